import { AwsError } from '../aws-error.ts'
import { type Call, type Input, type Operation, textIn } from '../service.ts'
import type { SessionDocument } from './session-documents.ts'

/** The session documents that accounts have made for themselves, by account and region. */
export class OwnDocuments {
  readonly #documents = new Map<string, Map<string, SessionDocument>>()

  of({ caller, region }: Pick<Call, 'caller' | 'region'>): Map<string, SessionDocument> {
    const place = `${caller.account} ${region}`
    const known = this.#documents.get(place) ?? new Map<string, SessionDocument>()
    this.#documents.set(place, known)
    return known
  }
}

/** `CreateDocument`, for documents of sessions. */
export function createDocument(documents: OwnDocuments): Operation {
  return {
    resources: (input, { region, caller }) => [
      `arn:aws:ssm:${region}:${caller.account}:document/${nameOf(input)}`,
    ],
    run(input, call) {
      const name = nameOf(input)
      if (textIn(input, 'DocumentType', invalid) !== 'Session')
        throw invalid('the sandbox keeps documents of sessions only')
      const own = documents.of(call)
      if (own.has(name) || /^(aws|amazon|amzn)/i.test(name))
        throw new AwsError('DocumentAlreadyExists', `Document with name ${name} already exists`)
      own.set(name, contentOf(input))
      return {
        DocumentDescription: {
          Name: name,
          DocumentType: 'Session',
          DocumentFormat: 'JSON',
          DocumentVersion: '1',
          Status: 'Active',
          CreatedDate: call.now.wall / 1_000,
          SchemaVersion: '1.0',
        },
      }
    },
  }
}

function nameOf(input: Input): string {
  const name = textIn(input, 'Name', invalid) ?? ''
  if (!/^[\w.-]{3,128}$/.test(name)) throw invalid(`the name ${name} of a document does not fit`)
  return name
}

function contentOf(input: Input): SessionDocument {
  try {
    const content = JSON.parse(textIn(input, 'Content', invalid) ?? '') as SessionDocument
    if (content.schemaVersion === '1.0' && typeof content.sessionType === 'string') return content
  } catch {
    // Told below, as for JSON that is no document.
  }
  throw new AwsError('InvalidDocumentContent', 'Content of the document is not valid.')
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
