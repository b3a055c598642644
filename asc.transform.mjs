// Where asc finds its transform: it resolves a path of asconfig.json only where that is of this folder.
export { default } from "./scripts/globals.mjs";
