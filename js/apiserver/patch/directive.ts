// What patches say beside values.

/** `delete`, `replace`, `merge`: what becomes of the object that holds it, or of the list that holds that. */
export const DIRECTIVE = "$patch";

/** The patch cannot be applied: its directives are wrong, or it does not fit the type. The server answers 400. */
export class StrategicPatchError extends Error {
	override readonly name = "StrategicPatchError";
}
