import type { Bytes } from '#core/clock.ts'

/** A session as its handler sees it. What is said here is sent soon after: no call sends by itself. */
export interface HandlerHost {
  /** The handler can take input. */
  ready(): void
  /** Output of a process or of a raw stream; `error` is standard error, apart. */
  write(bytes: Uint8Array, stream?: 'output' | 'error'): void
  exitCode(status: number): void
  /** Bytes from the connection of a multiplexed stream. */
  writeStream(stream: number, bytes: Uint8Array): void
  closeStream(stream: number): void
  /** The connection of a stream could not be made. */
  refuseStream(stream: number): void
  /** Bytes of input, or of a stream, that their far end has taken. */
  consumed(length: Bytes, stream?: number): void
  /** The handler is over; `output` is what the service shows as the reason, empty for an ordinary end. */
  finish(output: string): void
}

/** What a session does on the node: a port, a terminal, a command. */
export interface Handler {
  input(bytes: Uint8Array): void
  resize(columns: number, rows: number): void
  /** The client's single connection is gone. */
  disconnect(): void
  openStream(stream: number): void
  streamData(stream: number, bytes: Uint8Array): void
  streamEnd(stream: number): void
  /** Whether far ends may be read: false while the sender has enough. */
  flow(open: boolean): void
  /** Ends everything that the handler started, and resolves when nothing of it is left. */
  stop(): Promise<void>
}
