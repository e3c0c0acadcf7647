// The texts of alarms (URS-39): one file a language in config/guidance, the same keys in each; what a site says stands over them.
// Keys are those of core/guidance.ts. The console takes its translations from the same files.

import type { GuidanceTexts } from '#core/guidance.ts'
import en from './guidance/en.json' with { type: 'json' }
import it from './guidance/it.json' with { type: 'json' }

export const LANGUAGES = ['en', 'it'] as const
export type Language = (typeof LANGUAGES)[number]

/** The usual texts, by language. */
export const GUIDANCE: Readonly<Record<Language, GuidanceTexts>> = { en, it }

/** The usual texts of a language with what the site says over them, key by key and part by part. */
export function guidanceTexts(language: Language, site: GuidanceTexts = {}): GuidanceTexts {
  const texts: Record<string, GuidanceTexts[string]> = { ...GUIDANCE[language] }
  for (const [key, own] of Object.entries(site)) texts[key] = { ...texts[key], ...own }
  return texts
}
