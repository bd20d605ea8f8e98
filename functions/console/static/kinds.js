// What a text in the search field is, by its form. The API finds payments by these names.

export const EMAIL = "email";
export const OUR_ID = "payment_id";
export const USER = "user"; // whatever has none of these forms

const FORMS = [
  [OUR_ID, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i],
  ["session", /^cs_(test|live)_\w+$/],
  ["payment_intent", /^pi_\w+$/],
  ["charge", /^(ch|py)_\w+$/],
  [EMAIL, /^[^@\s]+@[^@\s]+\.[^@\s]+$/],
];

export const kindOf = (text) => FORMS.find(([, form]) => form.test(text))?.[0] ?? USER;
