/** A map of strings in parts: V8 takes 50 ms to make room for the 524,289th key of one. */

const PARTS = 64;
/** Characters that say which part a key is in: the last ones, as those before are often the same. */
const TELLING = 8;

export class WideMap<T> {
  readonly #parts: readonly Map<string, T>[] = Array.from({ length: PARTS }, () => new Map());

  get(key: string): T | undefined {
    return this.#part(key).get(key);
  }

  has(key: string): boolean {
    return this.#part(key).has(key);
  }

  set(key: string, value: T): void {
    this.#part(key).set(key, value);
  }

  #part(key: string): Map<string, T> {
    let hash = 0;
    for (let at = Math.max(0, key.length - TELLING); at < key.length; at++) {
      hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
    }
    return this.#parts[(hash ^ (hash >>> 11)) & (PARTS - 1)] as Map<string, T>;
  }
}
