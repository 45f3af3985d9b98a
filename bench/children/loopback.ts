/** The n-th of many loopback addresses, none of them 127.0.0.1. Linux has all of 127.0.0.0/8. */
export function loopbackAddress(n: number): string {
  return `127.1.${Math.floor(n / 250)}.${1 + (n % 250)}`;
}
