// A limit set as a file: maxima for action limits by grade, size and occupancy, each with its clause (URS-16).
// Decides the shape of the file; the values are the regulation's or the site's, never the code's.

import { z } from 'zod'
import { GRADES } from '#core/point.ts'
import { id, text } from './atoms.ts'

const maximum = (state: string) =>
  z
    .strictObject({
      value: z.number().positive().describe('greatest action limit permitted, per m³'),
      clause: text('clause that the value stands on'),
    })
    .describe(`maximum ${state}; absent where the site has to set it`)
    .optional()

/** A limit-set file. */
export const limitSetSchema = z
  .strictObject({
    id: id('id of the limit set'),
    version: text('version of the set, recorded with every evaluation', 64),
    title: text('what the set is', 300),
    source: z
      .strictObject({
        document: text('document that the values come from', 500),
        note: text('what a site must know before it uses the set', 1000).optional(),
      })
      .describe('where the values come from'),
    particles: z
      .array(
        z
          .strictObject({
            grade: z.enum(GRADES).describe('grade that the maxima are for'),
            sizeUm: z
              .number()
              .positive()
              .describe('particle size in µm, cumulative (this and greater)'),
            atRest: maximum('at rest'),
            inOperation: maximum('in operation'),
          })
          .describe('maxima of one grade and size'),
      )
      .describe('maximum permitted particle concentrations in monitoring'),
  })
  .describe('a named, versioned limit set')

export type LimitSet = z.infer<typeof limitSetSchema>
