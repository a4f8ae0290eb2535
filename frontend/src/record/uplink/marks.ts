/** Ties byte offsets to recorded time, so that "saved up to" can be told from what the server acknowledged. */

/** After this many bytes (exclusive end of a chunk) this much time is on record. */
export interface Mark {
  end: number;
  ms: number;
}

/** Recorded time wholly inside the first `offset` bytes. Marks ascend. */
export function savedMs(marks: readonly Mark[], offset: number): number {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.end ?? Infinity) <= offset) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? 0 : (marks[low - 1]?.ms ?? 0);
}
