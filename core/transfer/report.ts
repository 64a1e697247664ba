import type { Bytes, Ms } from '#core/clock.ts'

/** What a copy tells while it runs. */
export interface CopyProgress {
  /** The file that is under way; empty for the only one. */
  readonly path: string
  /** Content of files that is at its destination, of `size`. */
  readonly done: Bytes
  readonly size: Bytes
}

/** Something that was not copied, and why; a copy is whole without it. */
export interface LeftOut {
  readonly path: string
  readonly why: 'leads-outside' | 'special-file'
}

/** What has become of a copy. */
export interface CopyReport {
  readonly direction: 'download' | 'upload'
  readonly kind: 'file' | 'folder'
  /** The full path of the copy. */
  readonly destination: string
  readonly files: number
  /** Content of all files. */
  readonly bytes: Bytes
  /** Content that an earlier copy had left, and that was not sent again. */
  readonly resumed: Bytes
  /** What travelled, in its packed form. */
  readonly sent: Bytes
  /** Of a single file, in hex: the same at both ends. */
  readonly sha256: string | undefined
  readonly leftOut: readonly LeftOut[]
  readonly took: Ms
}
