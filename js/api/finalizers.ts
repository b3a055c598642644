// Finalizers by which an object waits for the garbage collector (apimachinery meta/v1/types.go).

export const ORPHAN = "orphan";
export const FOREGROUND = "foregroundDeletion";
