/**
 * The reference of everything that the package exports (`docs/api.md`), made from the docstrings. The sources are only parsed and not
 * type-checked, so this takes a fraction of a second. Each exported name gets its docstring, its signature, and its public members.
 */
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { read } from './markdown.js';

/** What users import, and the file that exports it. */
const ENTRIES = [
  ['warren', 'src/index.ts'],
  ['warren/client', 'src/client/index.ts'],
  ['warren/test', 'src/testing/index.ts'],
] as const;

type Declaration =
  | ts.FunctionDeclaration
  | ts.ClassDeclaration
  | ts.InterfaceDeclaration
  | ts.TypeAliasDeclaration;

export function apiReference(): string {
  return ENTRIES.map(([entry, path]) => {
    const exported = exportsOf(path).map(
      ([name, file]) => `### ${name}\n\n${describe(declarationsOf(file, name))}`,
    );
    return [`## ${entry}`, leadingComment(parse(path)), ...exported].join('\n\n');
  }).join('\n\n');
}

/** Exported names without a docstring of their own. */
export function undocumented(): string[] {
  return ENTRIES.flatMap(([entry, path]) =>
    exportsOf(path).flatMap(([name, file]) => {
      const declarations = declarationsOf(file, name);
      const bare = declarations.every((declaration) => docOf(declaration) === '')
        ? [`${entry}: ${name}`]
        : [];
      const members = declarations.flatMap(membersOf).filter((member) => docOf(member) === '');
      return [...bare, ...members.map((member) => `${entry}: ${name}.${nameOf(member)}`)];
    }),
  );
}

/** Names and the files that declare them. */
function exportsOf(path: string): [string, string][] {
  return parse(path).statements.flatMap((statement): [string, string][] => {
    if (!ts.isExportDeclaration(statement)) return [];
    const { exportClause, moduleSpecifier } = statement;
    if (!exportClause || !ts.isNamedExports(exportClause) || !moduleSpecifier) return [];
    const file = join(dirname(path), (moduleSpecifier as ts.StringLiteral).text).replace(/\.js$/, '.ts');
    return exportClause.elements.map(({ name }) => [name.text, file]);
  });
}

/** More than one for a function with overloads. */
function declarationsOf(path: string, name: string): Declaration[] {
  const source = parse(path);
  const found = source.statements.filter(
    (statement): statement is Declaration =>
      (ts.isFunctionDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)) &&
      statement.name?.text === name,
  );
  const signatures = found.filter((one) => ts.isFunctionDeclaration(one) && !one.body);
  if (found.length > 0) return signatures.length > 0 ? signatures : found;
  // The file passes it on, or imports it to do so.
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (!bindings || !ts.isNamedImports(bindings)) continue;
    if (!bindings.elements.some((element) => element.name.text === name)) continue;
    const from = (statement.moduleSpecifier as ts.StringLiteral).text;
    return declarationsOf(join(dirname(path), from).replace(/\.js$/, '.ts'), name);
  }
  throw new Error(`${path} declares no ${name}`);
}

function describe(declarations: readonly Declaration[]): string {
  const documents = declarations.map(docOf).filter((text) => text !== '');
  const members = declarations.flatMap(membersOf).filter((member) => docOf(member) !== '');
  return [
    ...documents,
    `\`\`\`ts\n${declarations.map(signatureOf).join('\n')}\n\`\`\``,
    ...(members.length > 0 ? [members.map(memberDoc).join('\n')] : []),
  ].join('\n\n');
}

function memberDoc(member: Member): string {
  const [text = '', ...tags] = docOf(member).split(/\n\n?(?=- )/);
  return [`- \`${nameOf(member)}\`: ${text.replace(/\s+/g, ' ')}`, ...tags].join('\n  ');
}

type Member = ts.ClassElement | ts.TypeElement;

/** Without what is private. */
function membersOf(declaration: Declaration): Member[] {
  if (ts.isInterfaceDeclaration(declaration)) return [...declaration.members];
  if (!ts.isClassDeclaration(declaration)) return [];
  return declaration.members.filter(
    (member) =>
      !(member.name && ts.isPrivateIdentifier(member.name)) &&
      !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) &&
      !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Override) &&
      // Users catch errors, and make none.
      !(ts.isConstructorDeclaration(member) && declaration.heritageClauses),
  );
}

function nameOf(member: Member): string {
  return ts.isConstructorDeclaration(member) ? 'constructor' : (member.name?.getText() ?? '');
}

/** The declaration without bodies, private members and comments. */
function signatureOf(declaration: Declaration): string {
  if (!ts.isClassDeclaration(declaration)) return clean(declaration, bodyOf(declaration));
  const heritage = (declaration.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join('');
  const parameters = declaration.typeParameters?.map((one) => one.getText()).join(', ');
  const members = membersOf(declaration).map((member) => `  ${memberSignature(member)}`);
  const name = `${declaration.name?.text}${parameters ? `<${parameters}>` : ''}`;
  return [`class ${name}${heritage} {`, ...members, '}'].join('\n');
}

function memberSignature(member: Member): string {
  const text = clean(member, bodyOf(member)).replace(/^async /, '');
  return text
    .replace(/\n\s*/g, ' ')
    .replace(/([([]) | (?=[)\]])/g, '$1')
    .replace(/ = [^=]*;$/, ';')
    .replace(/;?$/, ';');
}

function bodyOf(node: ts.Node): ts.Node | undefined {
  return 'body' in node ? (node.body as ts.Node | undefined) : undefined;
}

function clean(node: ts.Node, body: ts.Node | undefined): string {
  const source = node.getSourceFile().text;
  return source
    .slice(node.getStart(), body ? body.getStart() : node.getEnd())
    .replace(/^export /, '')
    .replace(/\n\s*\/\*\*.*?\*\//gs, '')
    .replace(/^async /, '')
    .replace(/^function ([^;]*?)\s*;?$/s, 'function $1;')
    .trim();
}

/** Text and tags of the docstring right before a node. */
function docOf(node: ts.Node): string {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return docs
    .slice(-1)
    .map((doc) => {
      const tags = (doc.tags ?? []).map((tag) => `- ${tagText(tag)}`);
      return [ts.getTextOfJSDocComment(doc.comment) ?? '', tags.join('\n')].filter(Boolean).join('\n\n');
    })
    .join('');
}

function tagText(tag: ts.JSDocTag): string {
  const comment = ts.getTextOfJSDocComment(tag.comment) ?? '';
  if (ts.isJSDocParameterTag(tag)) return `\`${tag.name.getText()}\`: ${comment}`;
  if (ts.isJSDocTemplateTag(tag))
    return `\`${tag.typeParameters.map((one) => one.name.text).join(', ')}\`: ${comment}`;
  const [, parameter = '', text = ''] = /^(\w+) (.*)$/s.exec(comment) ?? [];
  if (tag.tagName.text === 'typeParam') return `\`${parameter}\`: ${text}`;
  if (ts.isJSDocThrowsTag(tag)) return `throws ${comment}`;
  if (ts.isJSDocReturnTag(tag)) return `returns ${comment}`;
  return `${tag.tagName.text}: ${comment}`;
}

/** What the file says of itself in its first comment. */
function leadingComment(source: ts.SourceFile): string {
  const [, text = ''] = /^\/\*\*(.*?)\*\//s.exec(source.text) ?? [];
  return text.replace(/^ \* ?/gm, '').trim();
}

const parsed = new Map<string, ts.SourceFile>();

function parse(path: string): ts.SourceFile {
  let source = parsed.get(path);
  if (!source) {
    source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
    parsed.set(path, source);
  }
  return source;
}
