/**
 * What the functions use of a client, and nothing else of it: a bundler keeps all of a package that is imported as a
 * whole while the program runs, and only the named parts of one like this.
 */
export {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
