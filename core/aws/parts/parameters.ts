/** See `dynamodb.ts`. */
export { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
