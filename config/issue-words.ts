// Says in words what is wrong with one value: of another form than is needed, beyond a bound, not among what is accepted. Decides the
// words only; what is wrong has been found by a schema, whose own messages stand here as they are.

import type { z } from 'zod'
import { show, suggest } from './findings.ts'
import { DURATION_WORDS } from './schema/atoms.ts'

export type Issue = z.core.$ZodIssue

interface Words {
  readonly problem: string
  readonly remedy: string
}

/** What is wrong with a value that is there, and what to give instead; `meaning` says what the value is for. */
export function wordsOf(issue: Issue, value: unknown, meaning: string): Words {
  const options = optionsOf(issue)
  if (options !== undefined) {
    return {
      problem: `is ${show(value)}, which is not accepted`,
      remedy: suggest(String(value), options, 'accepted'),
    }
  }
  const remedy = `give ${meaning}`
  switch (issue.code) {
    case 'custom':
    case 'invalid_format':
      return { problem: `is ${show(value)}, which ${issue.message}`, remedy }
    case 'invalid_type':
      return issue.expected === 'string' ? notText(value, meaning) : notOf(issue, value, meaning)
    case 'too_big':
    case 'too_small':
      return { problem: beyond(issue, value), remedy }
    case 'invalid_union':
      return { problem: `is ${show(value)}, not ${formsOf(issue).join(' or ')}`, remedy }
    default:
      return { problem: `is ${show(value)}, which does not fit`, remedy }
  }
}

function notText(value: unknown, meaning: string): Words {
  if (typeof value === 'number' && meaning.includes(DURATION_WORDS) && Number.isFinite(value)) {
    return {
      problem: `is ${value} without a unit`,
      remedy: `write ${value}s or ${value}ms: ${meaning}`,
    }
  }
  if (typeof value === 'number' || typeof value === 'boolean') {
    return {
      problem: `is the ${typeof value} ${value}, not text`,
      remedy: `give ${meaning}; quotes make text of it: "${value}"`,
    }
  }
  return { problem: `is ${show(value)}, not text`, remedy: `give ${meaning}` }
}

/** Forms of values by zod's word for them. */
const FORMS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a group of keys',
  record: 'a group of keys',
  array: 'a list',
  tuple: 'a list',
}

function notOf({ expected }: z.core.$ZodIssueInvalidType, value: unknown, meaning: string): Words {
  const form = FORMS[expected] ?? 'what is needed'
  const problem = `is ${show(value)}, not ${form}`
  const number = expected === 'number' || expected === 'int' ? numberIn(value) : undefined
  if (number !== undefined) {
    return { problem, remedy: `write ${number}, without quotes: ${meaning}` }
  }
  return { problem, remedy: `give ${form}: ${meaning}` }
}

/** What a value may be that has several forms. */
function formsOf({ errors }: z.core.$ZodIssueInvalidUnion): readonly string[] {
  const forms = errors.flatMap(([first]) =>
    first?.code === 'invalid_type'
      ? [FORMS[first.expected] ?? 'what is needed']
      : ['what is needed'],
  )
  return [...new Set(forms)]
}

/** The number that was meant by a text: one in quotes, or with a decimal comma. */
function numberIn(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^-?\d+([.,]\d+)?$/.test(value)) return undefined
  return Number(value.replace(',', '.'))
}

/** In which way a number, a list or a text is too small or too big. */
function beyond(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall, value: unknown): string {
  const bound = issue.code === 'too_big' ? issue.maximum : issue.minimum
  if (typeof value === 'string') {
    return issue.code === 'too_big'
      ? `has ${value.length} characters, more than the ${bound} accepted`
      : `is ${show(value)}, a text with nothing in it`
  }
  if (Array.isArray(value)) {
    return issue.code === 'too_big'
      ? `is a list of ${value.length}, more than the ${bound} accepted`
      : `is a list of ${value.length}, fewer than the ${bound} needed`
  }
  if (issue.code === 'too_big') return `is ${show(value)}, above the greatest accepted (${bound})`
  return issue.inclusive === false
    ? `is ${show(value)}, not above ${bound}`
    : `is ${show(value)}, below the least accepted (${bound})`
}

function optionsOf(issue: Issue): string[] | undefined {
  if (issue.code === 'invalid_value') return issue.values.map(String)
  if (issue.code !== 'invalid_union' || !('options' in issue)) return undefined
  return Array.isArray(issue.options) ? issue.options.map(String) : undefined
}
