// mailauth on every mail: SPF, both DKIM signatures aligned, DMARC. Names are asked of our own name server.
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { authenticate } from 'mailauth';

const [folder, port, ip, helo] = process.argv.slice(2);
const resolver = new Resolver();
resolver.setServers([`127.0.0.1:${port}`]);

const letters = JSON.parse(await readFile(`${folder}/letters.json`, 'utf8'));
const found = {};
for (const { name, sender } of letters) {
  const { spf, dkim, dmarc } = await authenticate(await readFile(`${folder}/${name}.eml`), {
    ip, helo, sender, mta: 'mx.reader.example', disableArc: true, disableBimi: true,
    resolver: (host, type) => resolver.resolve(host, type),
  });
  found[name] = {
    spf: spf.status.result,
    dkim: dkim.results.map((each) => ({ result: each.status.result, aligned: Boolean(each.status.aligned), algorithm: each.algo })),
    dmarc: dmarc.status.result,
  };
}
console.log(JSON.stringify(found));
