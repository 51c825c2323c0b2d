/** The session API's structures by their names, and what its operations take and give; all from its own document. */
import type { components, paths } from './definitions';

type Schemas = components['schemas'];

export type Application = Schemas['Application'];
export type AuditEntry = Schemas['AuditEntry'];
export type Fleet = Schemas['Fleet'];
export type Instance = Schemas['Instance'];
export type InstanceState = Schemas['InstanceState'];
export type Link = Schemas['Link'];
export type LinkCreated = Schemas['LinkCreated'];
export type Node = Schemas['Node'];
export type Player = Schemas['Player'];
export type Problem = Schemas['Problem'];
export type Queue = Schemas['Queue'];
export type Session = Schemas['Session'];
export type SessionState = Schemas['SessionState'];
export type TurnNode = Schemas['TurnNode'];
export type Waiting = Schemas['Waiting'];

export type Path = keyof paths;

/** The parameters of a path, by its braces. */
export type Named<P extends string> = Record<Names<P>, string>;
type Names<P extends string> = P extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

type Content<Operation> = Operation extends { responses: infer R } ? Json<R[keyof R & (200 | 201 | 202)]> : never;
type Json<Response> = Response extends { content: { 'application/json': infer C } } ? C : never;

export type Got<P extends Path> = Content<paths[P]['get']>;
export type Done<P extends Path> = Content<paths[P]['post']>;
export type Body<P extends Path> = paths[P]['post'] extends {
    requestBody?: { content: { 'application/json': infer B } };
}
    ? Partial<B>
    : never;
