// The task of a form (ALTCHA): the number whose key begins as asked. A browser finds it in a blink, a flood of robots does not.
const octets = (hex) => Uint8Array.from(hex.match(/../g), (two) => parseInt(two, 16));
const solve = async (task) => {
  const challenge = JSON.parse(atob(task));
  const { nonce, salt, cost, keyLength, keyPrefix } = challenge.parameters;
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: octets(salt), iterations: cost };
  const password = new Uint8Array([...octets(nonce), 0, 0, 0, 0]);
  const end = new DataView(password.buffer, password.length - 4);
  for (let counter = 0; ; counter += 1) {
    end.setUint32(0, counter);
    const raw = await crypto.subtle.importKey('raw', password, 'PBKDF2', false, ['deriveBits']);
    const key = new Uint8Array(await crypto.subtle.deriveBits(how, raw, 8 * keyLength));
    const derivedKey = [...key].map((one) => one.toString(16).padStart(2, '0')).join('');
    if (derivedKey.startsWith(keyPrefix)) return btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } }));
  }
};
