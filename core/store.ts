/**
 * Small documents with compare-and-set: files on a laptop, DynamoDB in a cloud.
 *
 * A document is JSON under a key of `[a-z0-9./-]`. Whoever writes says which version it has read, so that two
 * writers cannot silently undo each other.
 */
export interface Store {
  /** The document and its version, or undefined. A document that cannot be parsed is a `state-invalid` error. */
  read(key: string): Promise<Stored | undefined>
  /**
   * Writes `value` and returns its version. With `expected`, fails with `state-conflict` unless the stored version
   * is that one (`'absent'`: unless nothing is stored).
   */
  write(key: string, value: unknown, expected?: string | 'absent'): Promise<string>
  /** Removes the document; nothing happens when it is not there. */
  remove(key: string): Promise<void>
  /** Keys that start with `prefix`, in order. */
  list(prefix: string): Promise<string[]>
  /** All documents whose keys start with `prefix`, by key and in order: one request, or as few as there are pages. */
  readAll(prefix: string): Promise<Map<string, Stored>>
}

export interface Stored {
  readonly value: unknown
  readonly version: string
}
