// Which podwire it is, as package.json says it: what a snapshot names its writer by, also where there are no files to ask.

export const PODWIRE = "0.1.0";
