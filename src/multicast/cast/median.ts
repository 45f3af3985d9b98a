/** Of an even number the greater of the two in the middle. @returns undefined where there are none */
export function median(values: readonly number[]): number | undefined {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
