// Planted bugs: each is a realistic mistake at one seam, and has to be caught by the checks within a few seeds, else the checks
// prove nothing (faults.md §2 "Test the oracle"). Nothing of this is reachable from production code.

import type { PlantedBug } from './mutant.ts'
import { consequenceMutants } from './mutants-consequences.ts'
import { coreMutants } from './mutants-core.ts'
import { diskMutants } from './mutants-disk.ts'
import { epochMutants } from './mutants-epoch.ts'
import { fieldMutants } from './mutants-field.ts'
import { holdMutants } from './mutants-holds.ts'
import { reloadMutants } from './mutants-reload.ts'
import { retentionMutants } from './mutants-retention.ts'
import { rotMutants } from './mutants-rot.ts'
import { sampleMutants } from './mutants-samples.ts'
import { storeMutants } from './mutants-store.ts'
import { survivalMutants } from './mutants-survival.ts'
import { uplinkMutants } from './mutants-uplink.ts'

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...storeMutants,
  ...diskMutants,
  ...fieldMutants,
  ...coreMutants,
  ...consequenceMutants,
  ...holdMutants,
  ...reloadMutants,
  ...retentionMutants,
  ...rotMutants,
  ...epochMutants,
  ...sampleMutants,
  ...survivalMutants,
  ...uplinkMutants,
]
