import type { AccessFault, FaultRow } from '../aws-error.ts'
import type { WireAnswer, WireRequest } from '../http-message.ts'

/** What a caller asks for. */
export interface Demand {
  readonly operation: string
  /** Its parameters, parsed but not yet checked. */
  readonly input: Readonly<Record<string, unknown>>
}

/** A family of services: how they are asked, how they answer and how they refuse. */
export interface Dialect {
  /** The operation and its parameters, or undefined for what is no request of this family. */
  read(request: WireRequest): Demand | undefined
  result(operation: string, output: object, requestId: string): WireAnswer
  error(code: string, message: string, status: number, requestId: string): WireAnswer
  /** The status of errors that an operation makes itself and that name none. */
  readonly errorStatus: number
  readonly faults: Readonly<Record<AccessFault, FaultRow>>
}
