// What people choose from when they act: reason codes with labels, and phrases that stand for a comment. The codes are what is
// recorded; labels are for reading, in the language of the site, else in English, else in whatever the site gave.

import { LANGUAGES, type Language } from './guidance.ts'
import en from './reasons/en.json' with { type: 'json' }
import it from './reasons/it.json' with { type: 'json' }

/** Labels of the usual reason codes (contract §3), by language. */
export const REASON_LABELS: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en,
  it,
}

/** Reasons of an acknowledgement where the site gives none (contract §3). */
export const REASON_CODES: readonly string[] = Object.keys(en)

/** A text in one language for all, or by language. */
export type Translated = string | Readonly<Partial<Record<Language, string | undefined>>>

/** The text in a language, else in the first one there is. */
export function inLanguage(text: Translated, language: Language): string {
  if (typeof text === 'string') return text
  return [language, ...LANGUAGES].map((one) => text[one]).find((found) => found !== undefined) ?? ''
}

/** A reason code as written: alone, or with its label. */
export type WrittenReason = string | { readonly code: string; readonly label: Translated }

export const codeOf = (reason: WrittenReason): string =>
  typeof reason === 'string' ? reason : reason.code

/** The label of every code that has one. */
export function labelsOf(
  reasons: readonly WrittenReason[],
  language: Language,
): Record<string, string> {
  const usual = REASON_LABELS[language]
  const labels: Record<string, string> = {}
  for (const reason of reasons) {
    const code = codeOf(reason)
    if (typeof reason !== 'string') labels[code] = inLanguage(reason.label, language)
    else if (Object.hasOwn(usual, code)) labels[code] = usual[code] ?? ''
  }
  return labels
}
