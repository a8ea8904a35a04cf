import emulator from './emulator.cjs';

export const { Emulator, EmulatorError } = emulator;
