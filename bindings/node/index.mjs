// One implementation for both module systems: `instanceof` must hold across them.
import entrakey from './index.cjs';

export const { EntrakeyError, METRICS_CONTENT_TYPE, Provider, Token, VERSION } = entrakey;
