import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { type Check, parseChecks } from '#core/image/checks.ts'
import { Tree } from '#core/image/io/tree.ts'
import { judgeMachine } from '#core/image/judge-check.ts'
import { SBOM } from '#core/image/manifest.ts'
import { installedPackages } from '#core/image/system-files.ts'
import { makeAgentPackage } from '../support/agent-package.ts'
import { FAULTS } from '../support/image-faults.ts'
import { describeImage, type FinishedTree, finishedTree, layerOver, root } from '../support/image-tree.ts'

/** The tree that an image is made of, by the same scripts, and the gate that lets nothing else through. */

/** The vendor's own host is none of the registries that tests reach, so that its package is not in the tree. */
const OF_THE_AGENT = ['agent-version', 'agent-starts']

describeImage([], 'the tree of the image', { timeout: 600_000 }, () => {
  let tree: FinishedTree
  let checks: Check[]

  before(async () => {
    checks = parseChecks(await readFile(join(root, 'packer/checks.yaml'), 'utf8'), 'checks.yaml')
    tree = await finishedTree()
  })
  after(() => tree?.[Symbol.asyncDispose]())

  it('is as every check wants it, but for the agent, which cannot be fetched here', async () => {
    const machine = new Tree(tree.root)
    assert.ok((await machine.walk()).length > 5_000)
    const judgements = await judgeMachine(checks, machine)
    const failed = judgements.filter(({ passed }) => !passed)
    assert.deepEqual(
      failed.map(({ id, found }) => [id, found]),
      [
        ['agent-version', ['amazon-ssm-agent is not installed']],
        ['agent-starts', ['amazon-ssm-agent.service is not there']],
      ],
    )
    assert.ok(judgements.length > 50)
  })

  it('gives the same digest when it is finished again', async () => {
    await using again = await finishedTree()
    assert.match(tree.digest, /^[0-9a-f]{64}$/)
    assert.equal(again.digest, tree.digest)
  })

  it('holds a bill of all its packages and tools, each with the digest of the lock', async () => {
    const bill = JSON.parse(await readFile(join(tree.root, SBOM), 'utf8')) as Bill
    assert.deepEqual([bill.bomFormat, bill.specVersion], ['CycloneDX', '1.6'])
    const status = await readFile(join(tree.root, 'var/lib/dpkg/status'), 'utf8')
    const packages = bill.components.filter(({ purl }) => purl.startsWith('pkg:deb/'))
    assert.deepEqual(
      packages.map(({ name, version }) => [name, version]),
      [...installedPackages(status)].sort(([a], [b]) => (a < b ? -1 : 1)),
    )
    for (const { name, hashes } of packages) assert.match(hashes?.[0]?.content ?? '', /^[0-9a-f]{64}$/, name)
    const others = bill.components.filter(({ purl }) => !purl.startsWith('pkg:deb/')).map(({ name }) => name)
    assert.deepEqual(others, ['pgctl', 'kubectl', 'helm', 'node'])
    const refs = bill.components.map((component) => component['bom-ref'])
    assert.equal(new Set(refs).size, refs.length)
  })

  it('starts an agent at boot, whose package enables its unit only where systemd runs', async () => {
    await using made = await makeAgentPackage('3.3.5068.0')
    await using layer = await finishedTree({ agent: made.file })
    const asked = checks.filter(({ id }) => OF_THE_AGENT.includes(id))
    for (const { id, passed, found } of await judgeMachine(asked, new Tree(layer.root)))
      assert.ok(passed, `${id}: ${found}`)
  })

  for (const { title, fails, inject } of FAULTS)
    it(`does not pass with ${title}`, async () => {
      await using layer = await layerOver(tree.root)
      await inject(layer.root)
      const ids = [fails].flat()
      const asked = checks.filter(({ id }) => ids.includes(id))
      assert.equal(asked.length, ids.length)
      for (const { id, passed, found } of await judgeMachine(asked, new Tree(layer.root))) {
        assert.equal(passed, false, id)
        assert.ok(found.length > 0)
      }
    })

  it('has a fault for what each check is about', () => {
    const failing = new Set(FAULTS.flatMap(({ fails }) => fails))
    const without = checks.filter(({ id, on }) => on.includes('tree') && !failing.has(id)).map(({ id }) => id)
    // Those of the agent fail by themselves here, as the first test shows.
    assert.deepEqual(
      without.filter((id) => !OF_THE_AGENT.includes(id)),
      [],
    )
  })
})

interface Bill {
  readonly bomFormat: string
  readonly specVersion: string
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly 'bom-ref': string
    readonly hashes?: readonly { readonly content: string }[]
  }[]
}
