/** The languages of the page; one more is a file with the entries of en.ts, and a line here. */
import { de } from './de';
import { en, type Texts } from './en';

export type { Texts };

export const LANGUAGES: Readonly<Record<string, Texts>> = { en, de };

/** The language to speak: the chosen one, else the first of the browser's that there is, else English. */
export function chooseLanguage(chosen: string, browser: readonly string[]): string {
    const wanted = [chosen, ...browser].map((tag) => tag.split('-')[0]?.toLowerCase() ?? '');
    return wanted.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? 'en';
}

/** What the page says in a language. */
export function textsOf(language: string): Texts {
    return LANGUAGES[language] ?? en;
}

/** A time to come as a person says it: seconds below two minutes, minutes above. */
export function timeOf(texts: Texts, seconds: number): string {
    const whole = Math.max(0, Math.ceil(seconds));
    return whole < 120 ? texts.seconds(whole) : texts.minutes(whole);
}
