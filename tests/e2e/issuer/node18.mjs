// What oidc-provider takes for granted and Node 18, which Debian 12 has, lacks.

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
