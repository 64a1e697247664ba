import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { hardeningScore, SCORE_FLOOR } from '../support/hardening-score.ts'
import { describeImage, type FinishedTree, finishedTree } from '../support/image-tree.ts'

/** What somebody else's measure says of the image; the checks of `packer/checks.yaml` are our own. */

describeImage(
  ['systemd-nspawn', 'dnsmasq', 'lynis'],
  'the hardening of the image, by lynis',
  { timeout: 900_000 },
  () => {
    let tree: FinishedTree

    before(
      async () => {
        tree = await finishedTree()
      },
      { timeout: 450_000 },
    )
    after(() => tree?.[Symbol.asyncDispose]())

    it(`scores ${SCORE_FLOOR} of 100 at least`, { timeout: 450_000 }, async () => {
      const score = await hardeningScore(tree)
      assert.ok(score >= SCORE_FLOOR, `${score}`)
    })

    it('scores less when a part of it is taken away', { timeout: 450_000 }, async () => {
      for (const path of ['etc/nftables.conf', 'etc/sysctl.d/60-pgctl.conf', 'etc/modprobe.d/pgctl.conf'])
        await rm(join(tree.root, path))
      const score = await hardeningScore(tree)
      assert.ok(score < SCORE_FLOOR, `${score}`)
    })
  },
)
