import { AwsError } from '../aws-error.ts'

/** A session document as `GetDocument` shows it and as an agent is given it. */
export interface SessionDocument {
  readonly schemaVersion: '1.0'
  readonly description: string
  readonly sessionType: 'Standard_Stream' | 'InteractiveCommands' | 'NonInteractiveCommands' | 'Port'
  readonly inputs?: Readonly<Record<string, string | boolean | object>>
  readonly parameters?: Readonly<Record<string, DocumentParameter>>
  readonly properties?: object
}

export interface DocumentParameter {
  readonly type: 'String'
  readonly description: string
  readonly default?: string
  readonly allowedPattern?: string
}

/** The document of an account's preferences, which is also its default shell. */
export const PREFERENCES_DOCUMENT = 'SSM-SessionManagerRunShell'

const PORT_PATTERN =
  '^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$'
const portNumber = (fallback: string): DocumentParameter => ({
  type: 'String',
  description: 'Port of the server on the far side',
  allowedPattern: PORT_PATTERN,
  default: fallback,
})
const localPortNumber: DocumentParameter = {
  type: 'String',
  description: "Port on the caller's side; 0 takes a free one",
  allowedPattern: `^0$|${PORT_PATTERN}`,
  default: '0',
}
const command: DocumentParameter = {
  type: 'String',
  description: 'The command to run',
  allowedPattern: '^[\\s\\S]+$',
}

const forwarding = (more: object) => ({
  portNumber: '{{ portNumber }}',
  type: 'LocalPortForwarding',
  localPortNumber: '{{ localPortNumber }}',
  ...more,
})

/** The documents that every account has. */
const PUBLIC_DOCUMENTS: Readonly<Record<string, SessionDocument>> = {
  'AWS-StartPortForwardingSession': {
    schemaVersion: '1.0',
    description: 'Port forwarding to a port of the node',
    sessionType: 'Port',
    parameters: { portNumber: portNumber('80'), localPortNumber },
    properties: forwarding({}),
  },
  'AWS-StartPortForwardingSessionToRemoteHost': {
    schemaVersion: '1.0',
    description: 'Port forwarding to a host that the node can reach',
    sessionType: 'Port',
    parameters: {
      host: {
        type: 'String',
        description: 'Name or address of the host on the far side',
        allowedPattern: '^[^,$&()!;\'"<>`{}\\[\\]|#=]{3,}$',
        default: 'localhost',
      },
      portNumber: portNumber('80'),
      localPortNumber,
    },
    properties: forwarding({ host: '{{ host }}' }),
  },
  'AWS-StartSSHSession': {
    schemaVersion: '1.0',
    description: 'One raw stream to a port of the node, as SSH wants it',
    sessionType: 'Port',
    parameters: { portNumber: portNumber('22') },
    properties: { portNumber: '{{ portNumber }}' },
  },
  'AWS-StartInteractiveCommand': {
    schemaVersion: '1.0',
    description: 'One command on a terminal',
    sessionType: 'InteractiveCommands',
    parameters: { command },
    properties: { linux: { commands: '{{ command }}', runAsElevated: false } },
  },
  'AWS-StartNonInteractiveCommand': {
    schemaVersion: '1.0',
    description: 'One command without a terminal',
    sessionType: 'NonInteractiveCommands',
    parameters: {
      command,
      separateOutputStream: {
        type: 'String',
        description: 'Whether stderr travels apart, and the exit code is told',
        allowedPattern: '^(true|false)$',
        default: 'false',
      },
    },
    properties: {
      linux: {
        commands: '{{ command }}',
        runAsElevated: false,
        separateOutputStream: '{{ separateOutputStream }}',
        stdOutSeparatorPrefix: '',
        stdErrSeparatorPrefix: '',
      },
    },
  },
}

export interface Preferences {
  readonly idleMinutes: number
  readonly maximumMinutes: number | undefined
  readonly kmsKeyId: string | undefined
  /** The commands that a login shell begins with; empty for none. */
  readonly shellProfile: string
  /** The log group that sessions are written to while they go on; it must be encrypted. */
  readonly sessionLog: string | undefined
}

/**
 * The document of that name, with the account's preferences in its inputs.
 * @throws AwsError `InvalidDocument`
 */
export function sessionDocument(
  name: string,
  preferences: Preferences,
  own: ReadonlyMap<string, SessionDocument> = new Map(),
): SessionDocument {
  const inputs = {
    s3BucketName: '',
    s3KeyPrefix: '',
    s3EncryptionEnabled: false,
    cloudWatchLogGroupName: preferences.sessionLog ?? '',
    cloudWatchEncryptionEnabled: preferences.sessionLog !== undefined,
    cloudWatchStreamingEnabled: preferences.sessionLog !== undefined,
    kmsKeyId: preferences.kmsKeyId ?? '',
    runAsEnabled: false,
    runAsDefaultUser: '',
    idleSessionTimeout: String(preferences.idleMinutes),
    maxSessionDuration: preferences.maximumMinutes === undefined ? '' : String(preferences.maximumMinutes),
    shellProfile: { windows: '', linux: preferences.shellProfile },
  }
  if (name === PREFERENCES_DOCUMENT)
    return {
      schemaVersion: '1.0',
      description: 'Document to hold regional settings for Session Manager',
      sessionType: 'Standard_Stream',
      inputs,
    }
  const known = PUBLIC_DOCUMENTS[name] ?? own.get(name)
  if (known === undefined) throw new AwsError('InvalidDocument', `Document with name ${name} does not exist.`)
  return { ...known, inputs }
}

/**
 * The parameters of a request as the agent is given them: one text a name.
 * @throws AwsError `InvalidParameters` where the service would refuse them.
 */
export function documentParameters(document: SessionDocument, given: unknown): Record<string, string> {
  const declared = document.parameters ?? {}
  const values: Record<string, string> = {}
  for (const [name, list] of Object.entries(given ?? {})) {
    const parameter = declared[name]
    if (parameter === undefined) throw invalid(`The document does not have a parameter ${name}.`)
    if (!Array.isArray(list) || list.length !== 1 || typeof list[0] !== 'string')
      throw invalid(`The parameter ${name} takes exactly one value.`)
    if (parameter.allowedPattern && !new RegExp(parameter.allowedPattern).test(list[0]))
      throw invalid(`The value of parameter ${name} does not match the pattern ${parameter.allowedPattern}.`)
    values[name] = list[0]
  }
  for (const [name, { default: fallback }] of Object.entries(declared))
    if (values[name] === undefined && fallback === undefined)
      throw invalid(`The parameter ${name} is required.`)
  return values
}

function invalid(why: string): AwsError {
  return new AwsError('InvalidParameters', why)
}
