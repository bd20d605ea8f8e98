// What an amount buys of a package of any amount: exactly what the API computes, so in whole numbers, never in floats.

const DECIMALS = 6; // more than an amount, a unit price or a bonus has
const HUNDRED = scaled(100);

/** A decimal number of the API, or of an input, in millionths: "0.1" → 100000n. */
function scaled(value) {
  const [whole, fraction = ""] = String(value).split(".");
  return BigInt(whole + fraction.padEnd(DECIMALS, "0"));
}

/** The bonus in percent that an amount earns: that of the highest tier which it reaches. */
export const bonusFor = ({ tiers }, amount) =>
  tiers.findLast((tier) => scaled(tier.from) <= scaled(amount))?.bonus_percent ?? 0;

/** The credits for an amount, rounded down once. */
export function creditsFor(offer, amount) {
  const withBonus = HUNDRED + scaled(bonusFor(offer, amount));
  return Number((scaled(amount) * withBonus) / (scaled(offer.unit_price) * HUNDRED));
}
