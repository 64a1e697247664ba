import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a test does with a packaged template in an emulator that runs stacks, functions and schedules. */
export class StackEmulator {
  readonly url: string
  readonly #region: string

  constructor(url: string, region: string) {
    this.url = url
    this.#region = region
  }

  ready(): Promise<void> {
    return this.until(async () => (await fetch(`${this.url}/_ministack/health`)).ok)
  }

  /** Puts the functions' archives into a bucket and creates the stack; `archives` by the function's logical name. */
  async deploy(
    // biome-ignore lint/suspicious/noExplicitAny: a template of every type of resource.
    template: any,
    archives: Readonly<Record<string, string>>,
    folder: string,
  ): Promise<void> {
    const where = `<CreateBucketConfiguration><LocationConstraint>${this.#region}</LocationConstraint></CreateBucketConfiguration>`
    await this.aws('s3', 'PUT', '/code-of-pgctl', where)
    for (const name of ['ServerlessDeploymentBucket', 'ServerlessDeploymentBucketPolicy'])
      delete template.Resources[name]
    delete template.Outputs
    for (const [name, archive] of Object.entries(archives)) {
      await this.aws('s3', 'PUT', `/code-of-pgctl/${archive}`, await readFile(join(folder, archive)))
      const { Properties } = template.Resources[`${name}LambdaFunction`]
      Properties.Code = { S3Bucket: 'code-of-pgctl', S3Key: archive }
    }
    await this.#cloudFormation({
      ...{ Action: 'CreateStack', StackName: 'acme', TemplateBody: JSON.stringify(template) },
      'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    })
    await this.until(async () => {
      const text = await this.#cloudFormation({ Action: 'DescribeStacks', StackName: 'acme' })
      return text.includes('<StackStatus>CREATE_COMPLETE<')
    })
  }

  /** A schedule with the target of another, whose moment has come. */
  async fireAgain(schedule: string, name: string): Promise<void> {
    const { Target, FlexibleTimeWindow } = (await (
      await this.aws('scheduler', 'GET', `/schedules/${schedule}`, '')
    ).json()) as { Target: object; FlexibleTimeWindow: object }
    const ScheduleExpression = 'at(2026-01-01T00:00:00)'
    const body = JSON.stringify({ Target, FlexibleTimeWindow, ScheduleExpression })
    await this.aws('scheduler', 'POST', `/schedules/${name}`, body, { 'content-type': 'application/json' })
  }

  /** What a function wrote, the lines of JSON that have `word` in them. */
  async logLines(group: string, word: string): Promise<Record<string, unknown>[]> {
    const headers = {
      'x-amz-target': 'Logs_20140328.FilterLogEvents',
      'content-type': 'application/x-amz-json-1.1',
    }
    const body = JSON.stringify({ logGroupName: group })
    const answer = await (await this.aws('logs', 'POST', '/', body, headers)).json()
    const { events = [] } = answer as { events?: { message: string }[] }
    return events
      .flatMap(({ message }) => message.split('\n'))
      .filter((line) => line.startsWith('{') && line.includes(word))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  async until(holds: () => Promise<boolean>): Promise<void> {
    let last: unknown
    for (let attempt = 0; attempt < 400; attempt++) {
      try {
        if (await holds()) return
      } catch (error) {
        last = error
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error('it has not come to pass', { cause: last })
  }

  async #cloudFormation(words: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ Version: '2010-05-15', ...words }).toString()
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    return (await this.aws('cloudformation', 'POST', '/', body, type)).text()
  }

  /** The emulator tells services by the scope of a signature, and checks none. */
  async aws(
    service: string,
    method: string,
    path: string,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const scope = `test/20260101/${this.#region}/${service}/aws4_request`
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`
    const answer = await fetch(`${this.url}${path}`, {
      ...{ method, headers: { authorization, ...headers } },
      ...(method === 'GET' ? {} : { body: body as NonNullable<RequestInit['body']> }),
    })
    if (!answer.ok) throw new Error(`${service} ${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
}
