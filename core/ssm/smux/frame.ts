/**
 * smux version 1 (`xtaci/smux`): streams inside one byte stream, as the agent speaks it in port sessions.
 *
 *      0         1         2                   4                                       8
 *     +---------+---------+-------------------+---------------------------------------+------------
 *     | version | command | length (LE)       | stream id (LE)                        | data …
 *     +---------+---------+-------------------+---------------------------------------+------------
 *
 *     client → agent   SYN 3 · PSH 3 "GET /" · … · FIN 3
 *     agent → client             PSH 3 "HTTP/1.1 200" · … · FIN 3
 *
 * Frames are bytes of a stream: they straddle the boundaries of session messages freely. Version 2 adds a receive
 * window (command 4), which agents do not speak.
 */

export const SMUX_VERSION = 1
export const SMUX_HEADER_BYTES = 8
/** The length field has 16 bits. */
export const SMUX_MAX_DATA_BYTES = 65_535

export const SMUX_SYN = 0 // opens a stream; no data
export const SMUX_FIN = 1 // ends a stream, on the agent in both directions; no data
export const SMUX_PSH = 2 // data of a stream
export const SMUX_NOP = 3 // keep-alive of stream 0; no data

/** Why a byte stream is not smux version 1. */
export type SmuxFault = 'version' | 'command' | 'control-with-data'

/** Writes a frame's header at `offset` of `target`; `length` is the count of data bytes that follow it. */
export function writeFrameHeader(
  target: Uint8Array,
  offset: number,
  command: number,
  streamId: number,
  length: number,
): void {
  target[offset] = SMUX_VERSION
  target[offset + 1] = command
  target[offset + 2] = length & 0xff
  target[offset + 3] = length >>> 8
  target[offset + 4] = streamId & 0xff
  target[offset + 5] = (streamId >>> 8) & 0xff
  target[offset + 6] = (streamId >>> 16) & 0xff
  target[offset + 7] = streamId >>> 24
}

/** One whole frame, for control frames and tests; the sessions write theirs in place. */
export function encodeFrame(command: number, streamId: number, data?: Uint8Array): Uint8Array {
  const length = data?.length ?? 0
  if (length > SMUX_MAX_DATA_BYTES)
    throw new RangeError(`A smux frame holds at most ${SMUX_MAX_DATA_BYTES} bytes`)
  const frame = new Uint8Array(SMUX_HEADER_BYTES + length)
  writeFrameHeader(frame, 0, command, streamId, length)
  if (data !== undefined) frame.set(data, SMUX_HEADER_BYTES)
  return frame
}

/**
 * Takes frames out of a byte stream that was cut anywhere.
 *
 * Data is not collected: a PSH whose data arrives in several pieces is answered once a piece, so that nothing is
 * copied and a frame of 64 KiB costs no memory. The answer of {@link next} stands in the decoder's own fields (a
 * bulk transfer would otherwise make one object a kilobyte):
 *
 * - `need`: all input is used up; `needed` is how many bytes complete what was begun.
 * - `frame`: `command`, `streamId`, and for PSH `data` (a view into the input; valid while the caller leaves that
 *   alone) with `remaining`, the bytes of this frame that are still to come.
 * - `fail`: the bytes are no smux version 1; `fault` says why. The decoder stays failed.
 */
export class SmuxFrameDecoder {
  command = SMUX_NOP
  streamId = 0
  data: Uint8Array = NO_DATA
  remaining = 0
  fault: SmuxFault | undefined

  #input: Uint8Array = NO_DATA
  #offset = 0
  /** A header that was cut; only ever its first bytes. */
  readonly #header = new Uint8Array(SMUX_HEADER_BYTES)
  #headerBytes = 0

  /** Bytes that complete the header or the data begun; 8 between frames. */
  get needed(): number {
    return this.remaining > 0 ? this.remaining : SMUX_HEADER_BYTES - this.#headerBytes
  }

  /** Hands over the next input. The one before must have been used up (`need`): it is never kept. */
  push(input: Uint8Array): void {
    if (this.#offset < this.#input.length && this.fault === undefined) {
      throw new Error('The smux decoder was given input before it had used up the last')
    }
    this.#input = input
    this.#offset = 0
  }

  next(): 'need' | 'frame' | 'fail' {
    if (this.fault !== undefined) return 'fail'
    if (this.remaining > 0) return this.#takeData()
    return this.#takeHeader()
  }

  #takeHeader(): 'need' | 'frame' | 'fail' {
    const available = this.#input.length - this.#offset
    let header = this.#input
    let at = this.#offset
    if (this.#headerBytes > 0 || available < SMUX_HEADER_BYTES) {
      const taken = Math.min(available, SMUX_HEADER_BYTES - this.#headerBytes)
      for (let i = 0; i < taken; i++)
        this.#header[this.#headerBytes + i] = this.#input[this.#offset + i] as number
      this.#headerBytes += taken
      this.#offset += taken
      header = this.#header
      at = 0
      this.fault = faultOf(header, 0, this.#headerBytes)
      if (this.fault !== undefined) return 'fail'
      if (this.#headerBytes < SMUX_HEADER_BYTES) return this.#need()
      this.#headerBytes = 0
    } else {
      this.#offset += SMUX_HEADER_BYTES
      this.fault = faultOf(header, at, SMUX_HEADER_BYTES)
      if (this.fault !== undefined) return 'fail'
    }
    this.command = header[at + 1] as number
    this.streamId =
      ((header[at + 4] as number) |
        ((header[at + 5] as number) << 8) |
        ((header[at + 6] as number) << 16) |
        ((header[at + 7] as number) << 24)) >>>
      0
    this.remaining = (header[at + 2] as number) | ((header[at + 3] as number) << 8)
    this.data = NO_DATA
    if (this.remaining > 0) return this.#takeData()
    return 'frame'
  }

  #takeData(): 'need' | 'frame' {
    const length = Math.min(this.remaining, this.#input.length - this.#offset)
    if (length === 0) return this.#need()
    this.data = this.#input.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    this.remaining -= length
    return 'frame'
  }

  #need(): 'need' {
    this.#input = NO_DATA
    this.#offset = 0
    this.data = NO_DATA
    return 'need'
  }
}

const NO_DATA = new Uint8Array(0)

/** The fault that the first `length` bytes of the header at `at` prove: as early as it can be known. */
function faultOf(bytes: Uint8Array, at: number, length: number): SmuxFault | undefined {
  const command = bytes[at + 1] as number
  if (length > 0 && bytes[at] !== SMUX_VERSION) return 'version'
  if (length > 1 && command > SMUX_NOP) return 'command'
  // The reference implementation would read the data of such a frame as the next header.
  if (length > 3 && command !== SMUX_PSH && (bytes[at + 2] !== 0 || bytes[at + 3] !== 0))
    return 'control-with-data'
  return undefined
}
