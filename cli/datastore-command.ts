import { Args, Flags } from '@oclif/core'
import { LOGIN_SOURCES } from '#core/datastores/login.ts'
import { PgctlError } from '#core/errors.ts'
import { BaseCommand } from './base-command.ts'
import type { DatastoreTelling, DatastoreWishes } from './datastore-opening.ts'
import { backgroundFlag, installationFlags, reasonFlag, startFlag } from './flags.ts'
import { datastoreTelling } from './render/datastore.ts'

/** Which datastore, who enters it, and by whose certificate it is known. */
export const datastoreFlags = {
  ...installationFlags,
  ...reasonFlag,
  ...startFlag,
  ...backgroundFlag,
  credentials: Flags.option({
    options: LOGIN_SOURCES,
    summary: "The login: of the cluster's Secret, of Secrets Manager, a token of RDS, or asked of you.",
  })(),
  user: Flags.string({ summary: 'Enter as this user, where there are several.', helpValue: 'NAME' }),
  reader: Flags.boolean({
    summary: 'Read from a replica instead of the one that takes writes.',
    default: false,
  }),
  recipe: Flags.boolean({ summary: 'Run nothing: show how a client of your own connects.' }),
  'show-password': Flags.boolean({ summary: 'The password as well.', dependsOn: ['recipe'] }),
  ca: Flags.string({
    summary: 'Check the certificate against the authorities in this PEM file and no others.',
    helpValue: 'FILE',
  }),
}

export const datastoreArgs = {
  name: Args.string({ description: 'Which one, where there are several: hermes, or postgres-hermes.' }),
}

interface RecipeFlags {
  readonly installation?: string | undefined
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly ca?: string | undefined
  readonly reader: boolean
  readonly credentials: DatastoreWishes['credentials']
  readonly user: string | undefined
  readonly reason: string | undefined
  readonly database?: string | undefined
  readonly 'show-password': boolean
}

/** What the commands share that start a datastore's client. */
export abstract class DatastoreCommand extends BaseCommand {
  /** How a client of the person's own connects; with `--json` as a document. */
  protected async showRecipe(
    engine: DatastoreWishes['engine'],
    name: string | undefined,
    flags: RecipeFlags,
  ): Promise<object> {
    const { recipeFor } = await import('./datastore-recipe.ts')
    const { recipeDocument, renderRecipe } = await import('./render/recipe.ts')
    const { reader, credentials, user, reason, database } = flags
    const recipe = await recipeFor(
      this.surroundings(flags),
      { engine, name, reader, credentials, user, reason, database, showPassword: flags['show-password'] },
      this.telling().notice,
      this.signal,
    )
    this.log(renderRecipe(recipe, this.paint))
    return recipeDocument(recipe)
  }

  /** What a client prints is no document of ours. */
  protected refuseJson(): void {
    if (!this.jsonEnabled()) return
    throw new PgctlError('usage', 'only a recipe is shown as JSON', {
      why: 'without --recipe the client prints what it likes',
      next: 'add --recipe, or leave out --json',
    })
  }

  /** Our own words and flags, and behind two dashes those of the client. */
  protected splitWords(): { readonly own: string[]; readonly client: string[] } {
    const dashes = this.argv.indexOf('--')
    if (dashes === -1) return { own: this.argv, client: [] }
    return { own: this.argv.slice(0, dashes), client: this.argv.slice(dashes + 1) }
  }

  protected telling(): DatastoreTelling {
    return datastoreTelling((line) => this.notice(line), this.paintNotice)
  }
}
