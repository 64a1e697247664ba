import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { setInstallation } from '#cli/set-installation.ts'
import { isPgctlError } from '#core/errors.ts'

describe('a default written into a configuration file', () => {
  const rows: Array<{ why: string; text: string; name?: string; becomes: string | undefined }> = [
    { why: 'a file that is not there yet', text: '', becomes: 'installation: acme\n' },
    { why: 'it says so already', text: 'installation: acme\n', becomes: undefined },
    { why: 'it says so in quotes', text: 'installation: "acme" # ours\n', becomes: undefined },
    {
      why: 'another name, and a comment behind it',
      text: '# mine\ninstallation:  beta   # of the night shift\ntail: 20\n',
      becomes: '# mine\ninstallation:  acme   # of the night shift\ntail: 20\n',
    },
    { why: 'a name in quotes', text: "installation: 'beta'\n", becomes: 'installation: acme\n' },
    {
      why: 'columns, blank lines and long lines stay',
      text: `# top\n\n\ninstallations:\n    acme: {a: 1,  b: 2}     # ${'long '.repeat(40)}\n\n    beta:\n    - 1\n# end\n`,
      becomes: `# top\n\n\ninstallations:\n    acme: {a: 1,  b: 2}     # ${'long '.repeat(40)}\n\n    beta:\n    - 1\n# end\ninstallation: acme\n`,
    },
    { why: 'comments alone', text: '# nothing yet\n', becomes: '# nothing yet\ninstallation: acme\n' },
    { why: 'no line end at the end', text: 'tail: 20', becomes: 'tail: 20\ninstallation: acme\n' },
    {
      why: 'line ends of Windows',
      text: 'tail: 20\r\nbind: a\r\n',
      becomes: 'tail: 20\r\nbind: a\r\ninstallation: acme\r\n',
    },
    {
      why: 'a map in braces has no place for a line',
      text: '# ours\n{ tail: 20 }\n',
      becomes: '# ours\n{ tail: 20, installation: acme }\n',
    },
    {
      why: 'a map that is indented',
      text: '  tail: 20 # lines\n  bind: a\n',
      becomes: 'tail: 20 # lines\nbind: a\ninstallation: acme\n',
    },
    {
      why: 'a document with marks',
      text: '---\ntail: 20\n...\n',
      becomes: '---\ntail: 20\ninstallation: acme\n...\n',
    },
    {
      why: 'a value that refers to another is exchanged, not the other',
      text: 'profile: &one beta\ninstallation: *one\n',
      becomes: 'profile: &one beta\ninstallation: acme\n',
    },
    {
      why: 'it says so by a reference',
      text: 'profile: &one acme\ninstallation: *one\n',
      becomes: undefined,
    },
    { why: 'a name that reads as a number', text: '', name: '7', becomes: 'installation: "7"\n' },
    { why: 'a name that reads as a truth', text: '', name: 'true', becomes: 'installation: "true"\n' },
  ]
  for (const { why, text, name = 'acme', becomes } of rows)
    it(why, () => {
      const changed = setInstallation(text, name)
      assert.equal(changed, becomes)
      if (changed === undefined) return
      assert.deepEqual(parse(changed), { ...parse(text), installation: name })
      assert.equal(setInstallation(changed, name), undefined, 'a second time changes nothing')
    })

  it('is left to the person where another value would change with it', () => {
    assert.throws(
      () => setInstallation('installation: &one beta\nprofile: *one\n', 'acme'),
      (error) => isPgctlError(error, 'config-invalid') && /by hand$/.test(error.next ?? ''),
    )
  })
})
