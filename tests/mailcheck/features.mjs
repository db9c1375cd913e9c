// caniemail on every page: which features the large mail programs lack. Printed once each, with the programs.
import { readFile } from 'node:fs/promises';
import { caniemail } from 'caniemail';

const [folder, clients] = process.argv.slice(2);
const letters = JSON.parse(await readFile(`${folder}/letters.json`, 'utf8'));
const found = {};
for (const { name } of letters) {
  const { issues } = caniemail({ clients: clients.split(','), html: await readFile(`${folder}/${name}.html`, 'utf8') });
  const features = {};
  for (const [client, list] of issues.errors) {
    for (const { title } of list) (features[title] ??= new Set()).add(client);
  }
  found[name] = Object.fromEntries(Object.entries(features).map(([title, programs]) => [title, [...programs]]));
}
console.log(JSON.stringify(found));
