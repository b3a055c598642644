// What may come to nothing is tried ever more rarely: the first time, the second, the fourth, the eighth …

/** Counts a try in the u32 at `at`; whether this one is to be made. */
export function isDue(at: usize): bool {
	const tries = load<u32>(at) + 1;
	store<u32>(at, tries);
	return (tries & (tries - 1)) == 0;
}

/** Counts a try that is not made; false: it is due, and nothing is counted. */
export function passOver(at: usize): bool {
	const tries = load<u32>(at) + 1;
	if ((tries & (tries - 1)) == 0) return false;
	store<u32>(at, tries);
	return true;
}
