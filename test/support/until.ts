// Waits for something to become true, looking every few milliseconds, and says in words what never did.

/** Resolves when the condition holds; rejects after `withinMs` with the description. */
export async function until(
  what: string,
  condition: () => boolean,
  withinMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
