/**
 * Where diagnostics go: pino in the shells, nothing where nobody asked. Fields are plain data, never payload bytes,
 * tokens or keys.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {} }
