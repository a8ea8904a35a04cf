/** Where the `entrakey` command is: the file to run. */
export declare const command: string;
