-- The key of passkeys of the presence class, bound to the device without a gesture. A container has one if it was created
-- with the profile 'security-key', and none otherwise: so the profile is not a word that somebody could exchange.
ALTER TABLE container ADD COLUMN presence_key BLOB;
