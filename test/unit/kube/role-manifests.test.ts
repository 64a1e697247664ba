import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { CLUSTER_RIGHTS, ROLE_NAMES, ROLES, roleGiving } from '#core/kube/rights.ts'
import { manifestsOf } from '#core/kube/role-manifests.ts'

describe('the roles', () => {
  for (const role of ROLE_NAMES)
    it(`profiles/kubernetes/${role}.yaml is what pgctl iam kubernetes --role ${role} prints`, () => {
      const text = readFileSync(new URL(`../../../profiles/kubernetes/${role}.yaml`, import.meta.url), 'utf8')
      const documents = parseAllDocuments(text)
      assert.deepEqual(
        documents.map((document) => document.toJS()),
        manifestsOf([role], 'paragon'),
      )
    })

  it('every right that a command needs is in one of them, and in view where nothing is changed', () => {
    for (const [command, rights] of Object.entries(CLUSTER_RIGHTS))
      for (const right of rights) {
        const role = roleGiving(right)
        assert.ok(role !== undefined, `${command}: ${right.verb} ${right.resource}`)
        if (['tunnel', 'status', 'logs', 'analytics status', 'kubectl get'].includes(command))
          assert.equal(role, 'view', `${command}: ${right.verb} ${right.resource}`)
      }
  })

  it('view reads no Secret, runs nothing and changes nothing', () => {
    for (const { resources, verbs } of ROLES.view) {
      assert.ok(!resources.includes('secrets') && !resources.includes('pods/exec'))
      const changing = verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb))
      assert.deepEqual(changing, resources.includes('pods/portforward') ? ['create'] : [])
    }
  })

  it('operate has all that view has', () => {
    for (const rule of ROLES.view) assert.ok(ROLES.operate.includes(rule))
  })
})
