import { hash } from 'node:crypto'

/**
 * Session documents of an installation's own, each of which leads to one host and port: whoever may start sessions only
 * with these reaches nothing else, whatever they ask for.
 */

/** A host and port behind the bastion. */
export interface FixedTarget {
  /** As a tunnel names it. */
  readonly name: string
  readonly host: string
  readonly port: number
}

/** Every document of a workspace's own, for policies: a name with `*`. */
export function portDocumentPattern(workspace: string): string {
  return `${workspace}-pgctl-port-*`
}

/** The name of the document to that place; a tunnel knows it without asking anyone. */
export function portDocumentName(workspace: string, host: string, port: number): string {
  return portDocumentPattern(workspace).replace('*', hash('sha256', `${host}:${port}`, 'hex').slice(0, 12))
}

/** The local port is the client's matter: the agent only hands it back. */
const LOCAL_PORT = {
  type: 'String',
  description: "Port on the caller's side; 0 takes a free one",
  allowedPattern: '^[0-9]{1,5}$',
  default: '0',
} as const

/** A template of CloudFormation with a document for each target. */
export function documentTemplate(workspace: string, targets: readonly FixedTarget[]): object {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `Session documents of ${workspace}: each leads to one host and port behind the bastion`,
    Resources: Object.fromEntries(
      targets.map((target) => [logicalId(target), resourceOf(workspace, target)]),
    ),
  }
}

function resourceOf(workspace: string, { name, host, port }: FixedTarget): object {
  return {
    Type: 'AWS::SSM::Document',
    Properties: {
      Name: portDocumentName(workspace, host, port),
      DocumentType: 'Session',
      DocumentFormat: 'JSON',
      // A name of ours cannot be replaced, only written anew.
      UpdateMethod: 'NewVersion',
      Content: {
        schemaVersion: '1.0',
        description: `A tunnel to ${name} (${host}:${port}), and to nothing else`,
        sessionType: 'Port',
        parameters: { localPortNumber: LOCAL_PORT },
        properties: {
          host,
          portNumber: String(port),
          type: 'LocalPortForwarding',
          localPortNumber: '{{ localPortNumber }}',
        },
      },
      Tags: [
        { Key: 'pgctl:installation', Value: workspace },
        { Key: 'pgctl:target', Value: name },
      ],
    },
  }
}

/** Letters and digits, as CloudFormation takes them. */
function logicalId({ name, host, port }: FixedTarget): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  const label = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('')
  return `${label}${hash('sha256', `${host}:${port}`, 'hex').slice(0, 6)}`
}
