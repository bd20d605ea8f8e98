// What a text in the search field is, by its form.

export const [PAYMENT_ID, SESSION, INTENT, CHARGE, EMAIL, USER] = ["payment_id", "session", "payment_intent", "charge", "email", "user"];

const FORMS = [
  [PAYMENT_ID, /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i],
  [SESSION, /^cs_(test|live)_\w+$/],
  [INTENT, /^pi_\w+$/],
  [CHARGE, /^(ch|py)_\w+$/],
  [EMAIL, /^[^@\s]+@[^@\s]+\.[^@\s]+$/],
];

export const kindOf = (text) => FORMS.find(([, form]) => form.test(text))?.[0] ?? USER;
