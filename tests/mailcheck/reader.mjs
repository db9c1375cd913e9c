// nodemailer's mailparser on every mail: what a mail program written by others makes of subject, parts and list headers.
import { readFile } from 'node:fs/promises';
import { simpleParser } from 'mailparser';

const [folder] = process.argv.slice(2);
const letters = JSON.parse(await readFile(`${folder}/letters.json`, 'utf8'));
const found = {};
for (const { name } of letters) {
  const mail = await simpleParser(await readFile(`${folder}/${name}.eml`), { skipTextToHtml: true, skipHtmlToText: true });
  found[name] = {
    subject: mail.subject, html: mail.html, text: mail.text, list: mail.headers.get('list') ?? null,
    from: mail.from.value[0].address, to: mail.to.value[0].address, attachments: mail.attachments.length,
  };
}
console.log(JSON.stringify(found));
