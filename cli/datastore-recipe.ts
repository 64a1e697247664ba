import { makeRecipe, type Recipe } from '#core/datastores/recipe.ts'
import { derivePort } from '#core/tunnel/local-port.ts'
import { readSavedPort } from '#core/tunnel/port-assignments.ts'
import { authoritiesFor, authoritiesNamed } from './datastore-authorities.ts'
import { readLogin } from './datastore-login.ts'
import { type DatastoreWishes, loginWish } from './datastore-opening.ts'
import { type Surroundings, wireInstallation } from './deps.ts'
import { findDatastore } from './find-datastore.ts'
import { keepAuthorities } from './kept-authorities.ts'
import { paths } from './paths.ts'

export interface RecipeWishes extends DatastoreWishes {
  readonly database: string | undefined
  readonly showPassword: boolean
}

/** How a client of one's own enters a datastore. No tunnel is opened; the login is looked for as a client's would be. */
export async function recipeFor(
  surroundings: Surroundings,
  wishes: RecipeWishes,
  notice: (message: string) => void,
  signal: AbortSignal,
): Promise<Recipe> {
  const named = authoritiesNamed(surroundings)
  const deps = await wireInstallation(surroundings)
  const facts = await findDatastore(deps, wishes, signal)
  const { store, endpoint } = facts
  const authorities = await authoritiesFor(endpoint.host, named, surroundings)
  const { workspace } = deps.installation
  const { credentials: source, user } = wishes
  const login = await readLogin(deps, loginWish(deps, facts, wishes, notice), signal)
  const port = (await readSavedPort(deps.store, workspace, store.name)) ?? derivePort(workspace, store.name)
  const asked = surroundings.flags.installation
  const file = await keepAuthorities(paths(surroundings.environment).state, authorities)
  return makeRecipe({
    ...{ store, endpoint, port, login, authorities: file },
    user: user ?? login?.user ?? store.access?.user,
    database: wishes.database ?? login?.database ?? store.access?.database ?? 'postgres',
    where: asked === undefined ? '' : ` --installation ${asked}`,
    how: `${source === undefined ? '' : ` --credentials ${source}`}${user === undefined ? '' : ` --user ${user}`}`,
    showPassword: wishes.showPassword,
  })
}
