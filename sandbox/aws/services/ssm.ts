import type { MessageGateway } from '#sandbox/gateway/gateway.ts'
import type { WorldState } from '#sandbox/world-state.ts'
import { AwsError } from '../aws-error.ts'
import { jsonDialect } from '../dialects/json.ts'
import { type AwsService, type Input, type Operation, textIn } from '../service.ts'
import { createDocument, OwnDocuments } from './own-documents.ts'
import { sessionDocument } from './session-documents.ts'
import { AgentReports, agentOperations } from './ssm-agents.ts'
import { nodeOperations } from './ssm-nodes.ts'
import { parameterOperations } from './ssm-parameters.ts'
import { documentArn, preferencesOf, sessionOperations } from './ssm-sessions.ts'

/** Systems Manager: sessions, managed nodes and documents. */
export function createSsm(state: WorldState, gateway: MessageGateway): AwsService {
  const documents: OwnDocuments = new OwnDocuments()
  const reports = new AgentReports()
  return {
    name: 'ssm',
    dialect: jsonDialect('AmazonSSM'),
    operations: {
      ...sessionOperations(state, gateway, documents),
      CreateDocument: createDocument(documents),
      ...parameterOperations(),
      ...nodeOperations(state, gateway, reports),
      ...agentOperations(reports),
      GetDocument: getDocument(state, documents),
    },
  }
}

function getDocument(state: WorldState, documents: OwnDocuments): Operation {
  const nameOf = (input: Input) => textIn(input, 'Name', validation) ?? ''
  return {
    resources: (input, call) => [documentArn(nameOf(input), call)],
    run(input, call) {
      const { world } = call
      const name = nameOf(input)
      const document = sessionDocument(name, preferencesOf(state, world), documents.of(call))
      return {
        Name: name,
        Content: JSON.stringify(document, null, 2),
        CreatedDate: state.began / 1000,
        DocumentFormat: 'JSON',
        DocumentType: 'Session',
        DocumentVersion: '1',
        Status: 'Active',
      }
    },
  }
}

function validation(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
