-- What a text of the book may have in it. Each is called by the constraints of tables.

CREATE FUNCTION booking.has_no_control_characters(words text) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'booking_has_no_control_characters';
COMMENT ON FUNCTION booking.has_no_control_characters IS
	'Whether a text may be stored: no control characters.

True where a text has neither control characters, such as tabs and line breaks (Unicode''s general categories Cc, Zl and Zp), nor what turns the direction of writing (Bidi_Control). For constraints: no name, address, reason or key has any.';

CREATE FUNCTION booking.is_plausible_email(email text) RETURNS boolean
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'booking_is_plausible_email';
COMMENT ON FUNCTION booking.is_plausible_email IS
	'Whether a text may be an e-mail address.

local@domain by RFC 5321, 4.1.2, in any script, with two labels or more in the domain, and nowhere a blank, a control character or one that is not seen (Unicode''s White_Space, Cc, Cf, Default_Ignorable_Code_Point). For the constraint of patients.';
