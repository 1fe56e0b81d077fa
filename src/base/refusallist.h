/*
 * refusallist.h
 *		The catalogue: every refusal of the extension, in its words. Included by base.h for the names,
 *		and by refusals.c for the words; so it is not guarded against being included twice.
 *
 * REFUSAL(name, rule, SQLSTATE, table, message, detail, hint, further fields of RefusalWords)
 *
 * A rule can be broken in several ways, each a refusal of its own. A refusal has the name of what should
 * have been true. {this} stands for a field of the struct Refusal. A patient's id or e-mail address never
 * does: messages are logged. Each rule has a row in doc/rules.md.
 */

/* The chain of a booking. */

REFUSAL(SLOT_EXISTS, "slot_exists", ERRCODE_BOOKING_NOT_FOUND, "time_slots",
		"there is no time slot {id}", "no time slot has this id, or it was removed.",
		"booking.available_slots() lists the slots that are free.")
REFUSAL(SLOT_AVAILABLE, "slot_available", ERRCODE_BOOKING_CONFLICT, "time_slots",
		"time slot {slot_id} was withdrawn by the clinic", "{doctor} at {clinic}, {starts_at}.",
		"Choose a free slot: booking.available_slots(doctor_id => {doctor_id}).")
REFUSAL(SLOT_NOT_BOOKED, "slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments",
		"time slot {slot_id} is already booked", "{doctor} at {clinic}, {starts_at}.",
		"Choose a free slot: booking.available_slots(doctor_id => {doctor_id}).")
REFUSAL(SLOT_NOT_HELD, "slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments",
		"time slot {slot_id} is being held for somebody", "{doctor} at {clinic}, {starts_at}.",
		"Choose a free slot: booking.available_slots(doctor_id => {doctor_id}).")
REFUSAL(SLOT_STILL_FREE, "slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments",
		"the time slot was booked by somebody else a moment ago",
		"one appointment occupies a slot.", "Choose another slot from booking.available_slots().",
		.constraints = {"unique_timeslot"})
REFUSAL(SLOT_AND_PATIENT_STILL_THERE, "slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments",
		"the time slot could not be booked",
		"the slot or the patient was deleted while it was being booked.",
		"Look whether both are there, and try again.",
		.constraints = {"appointment_is_in_a_time_slot", "appointment_is_for_a_patient"})
REFUSAL(SLOT_AS_JUDGED, "slot_not_booked", ERRCODE_BOOKING_CONFLICT, "time_slots",
		"time slot {slot_id} could not be booked",
		"another session changed it without taking its lock, or a trigger did.", "Try again.")
REFUSAL(SLOT_NOT_OCCUPIED, "slot_not_booked", ERRCODE_BOOKING_CONFLICT, "appointments",
		"time slot {slot_id} is occupied",
		"an appointment, or a hold that has not expired, occupies it.",
		"Cancel or move the appointment first; one that took place keeps its slot.")
REFUSAL(SLOT_NOT_PAST, "slot_not_past", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"time slot {slot_id} has already started", "{doctor} at {clinic}, {starts_at}.",
		"Choose a free slot: booking.available_slots(doctor_id => {doctor_id}).",
		.is_overrulable = true)
REFUSAL(CLINIC_ACTIVE, "clinic_active", ERRCODE_BOOKING_CONFLICT, "clinics",
		"clinic {clinic_id} takes no bookings", "it is inactive or was removed.",
		"Choose a slot at another clinic.")
REFUSAL(CLINIC_ACTIVE_FOR_SLOTS, "clinic_active", ERRCODE_BOOKING_CONFLICT, "clinics",
		"clinic {clinic_id} takes no bookings", "the clinic is inactive.",
		"Set its is_active first.")
REFUSAL(DOCTOR_ACTIVE, "doctor_active", ERRCODE_BOOKING_CONFLICT, "doctors",
		"doctor {doctor_id} takes no bookings", "the doctor is inactive or was removed.",
		"Choose a slot of another doctor.")
REFUSAL(DOCTOR_ACTIVE_FOR_SLOTS, "doctor_active", ERRCODE_BOOKING_CONFLICT, "doctors",
		"doctor {doctor_id} takes no bookings",
		"the doctor or the clinic is inactive, or the clinic was removed.",
		"Set is_active of the doctor and of the clinic first.")
REFUSAL(PATIENT_OF_REQUEST_EXISTS, "patient_exists", ERRCODE_BOOKING_NOT_FOUND, "patients",
		"there is no such patient", "no patient has this id, or the patient was removed.",
		"Look the patient up by e-mail address, or add them with booking.add_patient().")
REFUSAL(PATIENT_EXISTS, "patient_exists", ERRCODE_BOOKING_NOT_FOUND, "patients",
		"there is no such patient", "no patient has this id, or it was removed.",
		"Look the patient up by e-mail address, or add them with booking.add_patient().")
REFUSAL(PATIENT_ACTIVE, "patient_active", ERRCODE_BOOKING_CONFLICT, "patients",
		"the patient is inactive", "no appointment can be booked for an inactive patient.",
		"Set the patient's is_active first.")
REFUSAL(WITHIN_NOTICE, "within_notice", ERRCODE_BOOKING_UNPROCESSABLE, "clinics",
		"it is too late to book time slot {slot_id}",
		"{doctor} at {clinic}, {starts_at}. The clinic books only slots from {from} on.",
		"Choose a later slot, or call the clinic.", .is_overrulable = true)
REFUSAL(WITHIN_HORIZON, "within_horizon", ERRCODE_BOOKING_UNPROCESSABLE, "clinics",
		"it is too early to book time slot {slot_id}",
		"{doctor} at {clinic}, {starts_at}. The clinic books only slots up to {until}.",
		"Choose an earlier slot, or try again later.", .is_overrulable = true)
REFUSAL(PATIENT_NOT_DOUBLE_BOOKED, "patient_not_double_booked", ERRCODE_BOOKING_CONFLICT,
		"appointments", "the patient has another appointment during time slot {slot_id}",
		"{doctor} at {clinic}, {starts_at}.",
		"Choose a slot at another time, or cancel the other appointment first.",
		.is_overrulable = true)
REFUSAL(PATIENT_NOT_BEING_BOOKED, "patient_not_double_booked", ERRCODE_BOOKING_CONFLICT,
		"appointments", "appointment {appointment_id} cannot be booked just now",
		"another session is booking for the patient.",
		"Try again, or use booking.confirm_hold(), which waits.")

/* The clinic's own rules. */

REFUSAL(CLINICS_RULE, "{name}", ERRCODE_BOOKING_UNPROCESSABLE, "rules", "{what}",
		"a rule of the clinic's own refuses the booking.",
		"Choose another slot, or ask the clinic.")
REFUSAL(CLINICS_RULE_UNEXPLAINED, "{name}", ERRCODE_BOOKING_UNPROCESSABLE, "rules",
		"the clinic's rule \"{name}\" refuses the booking",
		"a rule of the clinic's own refuses the booking.",
		"Choose another slot, or ask the clinic.")
REFUSAL(
	CLINICS_RULE_CHECKED, "{name}", ERRCODE_BOOKING_UNPROCESSABLE, "rules",
	"the clinic's rule \"{name}\" cannot be checked",
	"its function {function}(booking.time_slots, booking.patients) RETURNS text does not exist.",
	"Create the function again, or remove the rule: booking.remove_rule({what}).")
REFUSAL(RULE_EXISTS, "rule_exists", ERRCODE_BOOKING_NOT_FOUND, "rules", "there is no such rule",
		"no rule of that clinic, or of all clinics, has this name.",
		"booking.rules lists the rules.")
REFUSAL(RULE_FUNCTION_FITS, "rule_function_fits", ERRCODE_BOOKING_UNPROCESSABLE, "rules",
		"the function is not of the form that a rule needs",
		"a rule is (slot booking.time_slots, patient booking.patients) RETURNS text.",
		"Create such a function, and give its name with these argument types.")
REFUSAL(RULE_NAME_LENGTH, "rule_name_has_1_to_63_characters", ERRCODE_BOOKING_UNPROCESSABLE,
		"rules", "the rule's name does not have 1 to 63 characters",
		"leading and trailing blanks do not count.", "Give a name of 1 to 63 characters.",
		.is_constraint = true)
REFUSAL(RULE_NAME_IS_UNIQUE, "rule_name_is_unique_in_its_clinic", ERRCODE_BOOKING_CONFLICT, "rules",
		"another rule has this name",
		"names are unique among the rules of a clinic, and among those of all clinics.",
		"Choose another name, or remove the other rule.", .is_constraint = true)
REFUSAL(CLINIC_OF_RULE_EXISTS, "clinic_exists", ERRCODE_BOOKING_NOT_FOUND, "clinics",
		"there is no such clinic", "the rule was to be of a clinic that does not exist.",
		"booking.clinics lists the clinics.", .constraints = {"rule_is_for_a_clinic"})

/* Who may call, and how. */

REFUSAL(CALLER_IS_ALLOWED, "caller_is_allowed", ERRCODE_INSUFFICIENT_PRIVILEGE, NULL,
		"you are not allowed to {what}",
		"patients act for themselves, staff for their clinics, administrators for all.",
		"Call as the patient, as staff of the clinic, or with the role booking_admin.")
REFUSAL(
	CLAIMS_ARE_VALID, "claims_are_valid", ERRCODE_INSUFFICIENT_PRIVILEGE, NULL,
	"the request does not say validly who is calling", "{what}",
	"Send a token whose claims are a JSON object; sub is text, patient_id a whole number and clinic_ids an array of such.")
REFUSAL(REQUIRED_ARGUMENT, "required_argument", ERRCODE_BOOKING_MALFORMED, NULL,
		"{name} is missing", "booking.{function}() needs it, and null is no value.",
		"Give {name} a value.")
REFUSAL(
	NO_CONTROL_CHARACTERS, "text_has_no_control_characters", ERRCODE_BOOKING_UNPROCESSABLE,
	"{table}", "a text has a control character in it",
	"names, addresses, reasons and keys have neither line breaks, tabs and the like, nor what turns the direction of writing.",
	"Write it in one line, with commas where an address has line breaks.", .is_constraint = true)
REFUSAL(PLANS_ARE_FOR_ADMINISTRATORS, "plans_are_for_administrators",
		ERRCODE_INSUFFICIENT_PRIVILEGE, NULL,
		"you are not allowed to see how a statement is planned",
		"the estimates in a plan tell of rows that are not yours.",
		"Ask for an exact count, or none.")
REFUSAL(EMBEDDING_DOES_NOT_LEAD_BACK, "embedding_does_not_lead_back", ERRCODE_BOOKING_UNPROCESSABLE,
		NULL, "the request leads back to {name}",
		"what is embedded in a table's rows does not embed rows of this table in turn.",
		"Ask for them by a request of their own.")
REFUSAL(
	ROWS_CHANGED_BY_STAFF, "max_rows_changed", ERRCODE_BOOKING_UNPROCESSABLE, "{table}",
	"a statement of staff cannot change more than {count} row{s} of {table}",
	"booking.max_rows_changed_by_staff says so; nothing was changed.",
	"Name fewer rows by their ids, or use a function that is for many: booking.add_time_off(), booking.reassign_slots().")
REFUSAL(ROWS_CHANGED_BY_PATIENTS, "max_rows_changed", ERRCODE_BOOKING_UNPROCESSABLE, "{table}",
		"a statement of patients cannot change more than {count} row{s} of {table}",
		"booking.max_rows_changed_by_patients says so; nothing was changed.",
		"Name the row that is meant by its id.")

/* Clinics, doctors and patients. */

REFUSAL(CLINIC_EXISTS, "clinic_exists", ERRCODE_BOOKING_NOT_FOUND, "clinics",
		"there is no clinic {id}", "no clinic has this id, or it was removed.",
		"booking.clinics lists the clinics.")
REFUSAL(CLINIC_NAME_LENGTH, "clinic_name_has_2_to_255_characters", ERRCODE_BOOKING_UNPROCESSABLE,
		"clinics", "the clinic's name does not have 2 to 255 characters",
		"leading and trailing blanks do not count.", "Give a name of 2 to 255 characters.",
		.is_constraint = true)
REFUSAL(CLINIC_NAME_IS_UNIQUE, "clinic_name_is_unique", ERRCODE_BOOKING_CONFLICT, "clinics",
		"another clinic has this name", "names are unique among the clinics that are not removed.",
		"Choose another name, or rename or remove the other clinic.", .is_constraint = true)
REFUSAL(CLINIC_ADDRESS_LENGTH, "clinic_address_has_at_most_500_characters",
		ERRCODE_BOOKING_UNPROCESSABLE, "clinics",
		"the clinic's address has more than 500 characters",
		"leading and trailing blanks do not count.", "Shorten the address.", .is_constraint = true)
REFUSAL(
	TIME_ZONE_IS_KNOWN, "time_zone_is_known", ERRCODE_BOOKING_UNPROCESSABLE, "clinics",
	"no clinic can have the time zone \"{name}\"",
	"a clinic's zone is UTC, or a name of the IANA database such as Europe/London, and no abbreviation such as CET, of which SQL knows no summer time.",
	"pg_timezone_names lists the zones this server knows.")
REFUSAL(TIME_ZONE_IS_STILL_KNOWN, "time_zone_is_known", ERRCODE_BOOKING_UNPROCESSABLE, "clinics",
		"there is no time zone \"{name}\"",
		"this server's time zone database has no zone of that name.",
		"Give time_zone a name of pg_timezone_names.")
REFUSAL(DOCTOR_EXISTS, "doctor_exists", ERRCODE_BOOKING_NOT_FOUND, "doctors",
		"there is no doctor {id}", "no doctor has this id, or it was removed.",
		"booking.doctors lists the doctors.")
REFUSAL(DOCTOR_NAME_LENGTH, "doctor_name_has_2_to_255_characters", ERRCODE_BOOKING_UNPROCESSABLE,
		"doctors", "the doctor's name does not have 2 to 255 characters",
		"leading and trailing blanks do not count.", "Give a name of 2 to 255 characters.",
		.is_constraint = true)
REFUSAL(SPECIALIZATION_LENGTH, "specialization_has_at_most_255_characters",
		ERRCODE_BOOKING_UNPROCESSABLE, "doctors", "the specialization has more than 255 characters",
		"leading and trailing blanks do not count.", "Shorten the specialization.",
		.is_constraint = true)
REFUSAL(PATIENT_NAME_LENGTH, "patient_name_has_2_to_255_characters", ERRCODE_BOOKING_UNPROCESSABLE,
		"patients", "the patient's name does not have 2 to 255 characters",
		"leading and trailing blanks do not count.", "Give a name of 2 to 255 characters.",
		.is_constraint = true)
REFUSAL(
	PATIENT_EMAIL_IS_PLAUSIBLE, "patient_email_is_plausible", ERRCODE_BOOKING_UNPROCESSABLE,
	"patients", "the patient's e-mail address is not of the form name@domain",
	"it has at most 254 characters, no blanks nor what is not seen, one @, a dot in the domain, and none of ( ) < > [ ] : ; , \\ \" outside quotes.",
	"Check the e-mail address.", .is_constraint = true)
REFUSAL(PATIENT_EMAIL_IS_UNIQUE, "patient_email_is_unique", ERRCODE_BOOKING_CONFLICT, "patients",
		"another patient has this e-mail address",
		"addresses are unique, without regard to case, among the patients that are not removed.",
		"Look the patient up by the address instead of adding them again.", .is_constraint = true)
REFUSAL(NEW_EMAIL_IS_UNIQUE, "patient_email_is_unique", ERRCODE_BOOKING_CONFLICT, "patients",
		"this e-mail address cannot be used", "it cannot be the address of this patient.",
		"Use another address, or ask the clinic.")
REFUSAL(NO_UPCOMING_APPOINTMENTS, "no_upcoming_appointments", ERRCODE_BOOKING_CONFLICT, "{table}",
		"{what} has upcoming appointments", "{count} upcoming appointment{s}.",
		"Cancel or move the appointments first.")

/* Calendars. */

REFUSAL(WEEKDAY_IS_1_TO_7, "weekday_is_1_to_7", ERRCODE_BOOKING_UNPROCESSABLE, "schedules",
		"there is no weekday {number}", "ISO weekdays are {least}, Monday, to {most}, Sunday.",
		"Choose a weekday from {least} to {most}.")
REFUSAL(SLOT_LENGTH, "slot_lasts_5_minutes_to_8_hours", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"slots cannot be {number} minutes long", "slot_minutes is {least} to {most}.",
		"Choose another slot length.")
REFUSAL(GAP_LENGTH, "gap_is_0_to_480_minutes", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"gaps cannot be {number} minutes long", "gap_minutes is {least} to {most}.",
		"Choose another gap.")
REFUSAL(START_TIME_IS_BEFORE_24_00, "start_time_is_before_24_00", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_slots", "a session cannot start at 24:00", "24:00 is the end of the day.",
		"Let it start at 00:00 of the next day.")
REFUSAL(SESSION_HAS_ROOM, "session_has_room_for_its_slots_and_gaps", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_slots", "the session is shorter than one of its slots or gaps",
		"it is {number} minutes long.", "Choose a shorter slot or gap, or longer hours.")
REFUSAL(SESSION_ENDS_AFTER_IT_STARTS, "session_ends_after_it_starts", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_slots", "the session does not end after it starts",
		"end_time must be later than start_time; 24:00 is the end of the day.",
		"Add a session past midnight as two, one on each date.")
REFUSAL(SESSION_DIVIDES_EVENLY, "session_divides_evenly", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_slots", "slots of {number} minutes do not fill the session",
		"the session is from {start_time} to {end_time}.",
		"Choose a slot length that divides the session evenly, or other hours.")
REFUSAL(SESSION_FITS_A_SLOT, "session_fits_a_slot", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"no slot of {number} minutes fits into the session",
		"the clocks change: by them it is from {from} to {until}.",
		"Choose hours that exist on that date, or shorter slots.")
REFUSAL(DATE_IN_RANGE, "date_in_range", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"the date is not a day of the years 1 to 9999", "infinity is not a day either.",
		"Give the clinic's local date as YYYY-MM-DD.")
REFUSAL(DATE_NOT_PAST, "date_not_past", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"the date is before the clinic's today", "today is {what} in {zone}.",
		"Choose a date from today on.")
REFUSAL(DATE_WITHIN_A_CENTURY, "date_within_a_century", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"the date is more than a century ahead", "a calendar that far ahead is a slip of the pen.",
		"Check the year.")
REFUSAL(DOCTOR_SLOTS_DO_NOT_OVERLAP, "doctor_slots_do_not_overlap", ERRCODE_BOOKING_CONFLICT,
		"time_slots", "the doctor has another time slot then",
		"live slots of one doctor never overlap.", "Remove the other slot, or choose another time.",
		.is_constraint = true, .constraints = {"doctor_slots_start_once"})
REFUSAL(INSERTED_SLOT_DOES_NOT_OVERLAP, "doctor_slots_do_not_overlap", ERRCODE_EXCLUSION_VIOLATION,
		"time_slots", "doctor {doctor_id} has another time slot then",
		"live slots of one doctor never overlap.", "Remove the other slot, or choose another time.")
REFUSAL(SESSION_DOES_NOT_OVERLAP, "doctor_slots_do_not_overlap", ERRCODE_BOOKING_CONFLICT,
		"time_slots", "doctor {doctor_id} has another time slot then",
		"the first one is from {from} to {until}.",
		"Remove the other slot, or choose another time.")
REFUSAL(SUBSTITUTE_HAS_NO_SLOTS, "doctor_slots_do_not_overlap", ERRCODE_BOOKING_CONFLICT,
		"time_slots", "doctor {doctor_id} has time slots of their own then",
		"the first time it is so is from {from} to {until}.",
		"Choose another substitute, or a shorter range.")
REFUSAL(SUBSTITUTE_NOT_OFF, "doctor_not_off", ERRCODE_BOOKING_CONFLICT, "time_slots",
		"doctor {doctor_id} is off then", "the first time it is so is from {from} to {until}.",
		"Choose another substitute, or a shorter range.")
REFUSAL(DOCTOR_NOT_OFF, "doctor_not_off", ERRCODE_BOOKING_CONFLICT, "time_off",
		"doctor {doctor_id} is off then", "the time off is from {from} to {until}.",
		"Choose another time, or remove the time off first: booking.remove_time_off().")
REFUSAL(SLOT_NOT_IN_TIME_OFF, "doctor_not_off", ERRCODE_BOOKING_CONFLICT, "time_off",
		"time slot {slot_id} is inside time off", "it is time off {id}.",
		"Remove the time off first: booking.remove_time_off().")
REFUSAL(CALENDAR_NOT_CLOSED, "doctor_not_off", ERRCODE_BOOKING_CONFLICT, "time_off",
		"the doctor's calendar is being changed",
		"another session is entering time off, or handing slots to a substitute.", "Try again.")
REFUSAL(SCHEDULE_EXISTS, "schedule_exists", ERRCODE_BOOKING_NOT_FOUND, "schedules",
		"there is no schedule {id}", "no schedule has this id, or it was removed.",
		"booking.schedules lists the schedules.")
REFUSAL(SCHEDULE_IS_VALID_FROM_BEFORE_UNTIL, "schedule_is_valid_from_before_until",
		ERRCODE_BOOKING_UNPROCESSABLE, "schedules", "valid_from is after valid_until",
		"both belong to the time in which the schedule applies.",
		"Swap valid_from and valid_until.")
REFUSAL(DOCTOR_SCHEDULES_DO_NOT_OVERLAP, "doctor_schedules_do_not_overlap",
		ERRCODE_BOOKING_CONFLICT, "schedules", "the doctor has another schedule then",
		"live schedules of one doctor never overlap while both are valid.",
		"Remove the other schedule, or choose other hours or dates.", .is_constraint = true)
REFUSAL(TIME_OFF_EXISTS, "time_off_exists", ERRCODE_BOOKING_NOT_FOUND, "time_off",
		"there is no time off {id}", "no time off has this id, or it was removed.",
		"booking.time_off lists the times off.")
REFUSAL(TIME_OFF_IS_OF_A_DOCTOR_OR_A_CLINIC, "time_off_is_of_a_doctor_or_a_clinic",
		ERRCODE_BOOKING_MALFORMED, "time_off", "time off is of a doctor or of a clinic",
		"just one of doctor_id and clinic_id has to be given.",
		"Give doctor_id for leave, or clinic_id for a closure.")
REFUSAL(TIME_OFF_LASTS_UP_TO_5_YEARS, "time_off_lasts_up_to_5_years", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_off", "the time off does not end after it starts, or lasts over 5 years",
		"an infinite one is too long, too.", "Check both ends of the time off.")
REFUSAL(TIME_OFF_IS_NOT_A_LITTLE_LONGER, "time_off_lasts_up_to_5_years",
		ERRCODE_BOOKING_UNPROCESSABLE, "time_off",
		"the time off does not end after it starts, or lasts over 5 years",
		"it is a little too long: years have 365 or 366 days.", "Check both ends of the time off.",
		.is_constraint = true)
REFUSAL(TIME_OFF_REASON_LENGTH, "time_off_reason_has_at_most_500_characters",
		ERRCODE_BOOKING_UNPROCESSABLE, "time_off", "the reason has more than 500 characters",
		"leading and trailing blanks do not count.", "Shorten the reason.", .is_constraint = true)
REFUSAL(SUBSTITUTE_IS_ANOTHER_DOCTOR, "substitute_is_another_doctor", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_slots", "a doctor cannot be their own substitute",
		"from_doctor_id and to_doctor_id are the same.", "Choose another doctor.")
REFUSAL(SUBSTITUTE_WORKS_AT_THE_CLINIC, "substitute_works_at_the_clinic",
		ERRCODE_BOOKING_UNPROCESSABLE, "time_slots", "doctor {doctor_id} works at another clinic",
		"a substitute comes from the same clinic, where the patients go.",
		"Choose a doctor of the same clinic.")
REFUSAL(RANGE_TO_REASSIGN, "range_up_to_5_years", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"the range is reversed, or longer than 5 years",
		"from_time belongs to the range, until_time does not.", "Check both ends of the range.")
REFUSAL(RANGE_TO_GENERATE, "range_up_to_5_years", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"the range is longer than 5 years",
		"slots that far ahead are better generated when they come near.",
		"Generate fewer days at a time.")
REFUSAL(DATES_NOT_REVERSED, "range_not_reversed", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"from_date is after until_date", "both belong to the range.",
		"Swap from_date and until_date.")

/* Finding. */

REFUSAL(TIMES_NOT_REVERSED, "range_not_reversed", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"from_time is after until_time", "from_time belongs to the range, until_time does not.",
		"Swap from_time and until_time.")
REFUSAL(PER_DOCTOR_IN_RANGE, "per_doctor_in_range", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"per_doctor is not between {least} and {most}", "it limits the number of rows returned.",
		"Choose a limit within these bounds.")
REFUSAL(MAX_SLOTS_IN_RANGE, "max_slots_in_range", ERRCODE_BOOKING_UNPROCESSABLE, "time_slots",
		"max_slots is not between {least} and {most}", "it limits the number of rows returned.",
		"Choose a limit within these bounds.")
REFUSAL(
	ALL_SLOTS_ARE_AT_MOST_10000, "all_slots_are_at_most_10000", ERRCODE_BOOKING_UNPROCESSABLE,
	"time_slots", "more than {most} time slots are free",
	"without max_slots it is all of them or none.",
	"Ask for fewer by doctor_id, clinic_id, on_date or until_time; or give max_slots, and go on with starts_at and doctor_id of the last slot as from_time and after_doctor.")
REFUSAL(AFTER_DOCTOR_HAS_A_FROM_TIME, "after_doctor_has_a_from_time", ERRCODE_BOOKING_UNPROCESSABLE,
		"time_slots", "after_doctor comes without from_time",
		"both together are the place of a slot in the order, after which it goes on.",
		"Give starts_at of the last slot as from_time and its doctor_id as after_doctor.")

/* Appointments. */

REFUSAL(APPOINTMENT_EXISTS, "appointment_exists", ERRCODE_BOOKING_NOT_FOUND, "appointments",
		"there is no appointment {id}", "no appointment has this id, or it was removed.",
		"booking.patient_appointments() lists the appointments of a patient.")
REFUSAL(HOLD_LASTS_UP_TO_1_HOUR, "hold_lasts_up_to_1_hour", ERRCODE_BOOKING_UNPROCESSABLE,
		"appointments", "a hold cannot last that long",
		"hold_for is more than 0 and at most 1 hour.",
		"Choose another hold_for, or leave it out for what the clinic has set.")
REFUSAL(HOLD_NOT_EXPIRED, "hold_not_expired", ERRCODE_BOOKING_GONE, "appointments",
		"the hold of appointment {appointment_id} has expired",
		"an expired hold keeps the slot for nobody.",
		"Book the slot again if it is still free: booking.book_slot().")
REFUSAL(APPOINTMENT_IS_A_HOLD, "appointment_is_a_hold", ERRCODE_BOOKING_CONFLICT, "appointments",
		"appointment {appointment_id} is not a hold", "its status is not pending.",
		"There is nothing to confirm: see the appointment's status.")
REFUSAL(APPOINTMENT_IS_BOOKED, "appointment_is_booked", ERRCODE_BOOKING_CONFLICT, "appointments",
		"appointment {appointment_id} cannot be moved",
		"it is {status}; only a booked one can be moved.", "Book a new appointment instead.")
REFUSAL(APPOINTMENT_GOES_ELSEWHERE, "appointment_goes_elsewhere", ERRCODE_BOOKING_CONFLICT,
		"appointments", "appointment {appointment_id} is in time slot {slot_id} already",
		"to move it there changes nothing.", "Choose another slot.")
REFUSAL(APPOINTMENT_STAYED, "appointment_stayed", ERRCODE_BOOKING_CONFLICT, "appointments",
		"appointment {appointment_id} was moved a moment ago",
		"another session moved it while this one waited.", "Look at the appointment and try again.")
REFUSAL(APPOINTMENT_KEEPS_ITS_IDENTITY, "appointment_keeps_its_identity",
		ERRCODE_BOOKING_UNPROCESSABLE, "appointments",
		"{name} of appointment {appointment_id} cannot be changed",
		"only its status may be set; the rest follows from how it is booked.",
		"Move an appointment with booking.reschedule_appointment(), or cancel it and book another.")
REFUSAL(STATUS_TRANSITION, "status_transition", ERRCODE_BOOKING_CONFLICT, "appointments",
		"appointment {appointment_id} is {status} and cannot become {new_status}",
		"{status} may become: {what}.",
		"booking.status_transitions lists what each status may become.")
REFUSAL(STATUS_IS_NOT_FINAL, "status_transition", ERRCODE_BOOKING_CONFLICT, "appointments",
		"appointment {appointment_id} is {status} and cannot become {new_status}",
		"{status} is final.", "booking.status_transitions lists what each status may become.")
REFUSAL(REASON_LENGTH, "reason_has_1_to_500_characters", ERRCODE_BOOKING_UNPROCESSABLE,
		"appointment_events", "the reason does not have 1 to 500 characters",
		"leading and trailing blanks do not count.", "Shorten the reason, or leave it out.")
REFUSAL(KEY_LENGTH, "idempotency_key_has_1_to_255_characters", ERRCODE_BOOKING_MALFORMED,
		"appointments", "the idempotency key does not have 1 to 255 characters",
		"a key stands for one request, so that it can be sent again without booking twice.",
		"Send a new random key, such as a UUID, with each new request.")
REFUSAL(KEY_MATCHES, "idempotency_key_matches", ERRCODE_BOOKING_UNPROCESSABLE, "appointments",
		"the idempotency key was used for another slot than {slot_id}",
		"a key stands for one request, and its answer is repeated.",
		"Use a new key for a new request.")
REFUSAL(KEY_IS_USED_ONCE, "idempotency_key_is_used_once", ERRCODE_BOOKING_CONFLICT, "appointments",
		"the idempotency key was used a moment ago",
		"another session used it after this transaction's snapshot was taken.",
		"Send the request again in a new transaction.", .is_constraint = true)

/* Upkeep. */

REFUSAL(HOLDS_IN_RANGE, "max_rows_in_range", ERRCODE_BOOKING_UNPROCESSABLE, "appointments",
		"max_rows is not between {least} and {most}", "it limits the number of holds cancelled.",
		"Call it again for the rest.")
REFUSAL(EVENTS_IN_RANGE, "max_rows_in_range", ERRCODE_BOOKING_UNPROCESSABLE, "appointment_events",
		"max_rows is not between {least} and {most}", "it limits the number of events returned.",
		"Call it again for the rest.")
REFUSAL(TASKS_IN_RANGE, "max_rows_in_range", ERRCODE_BOOKING_UNPROCESSABLE, NULL,
		"max_rows is not between {least} and {most}", "it limits what one call does of each task.",
		"Call it again for the rest.")
REFUSAL(HORIZON_IN_RANGE, "horizon_is_1_day_to_5_years", ERRCODE_BOOKING_UNPROCESSABLE, NULL,
		"the horizon is not between 1 day and 5 years",
		"slots are generated that far ahead where a clinic has no booking_horizon.",
		"Choose another horizon, without negative parts, or leave it out for 90 days.")
REFUSAL(RETENTION_IN_RANGE, "retention_is_30_days_to_100_years", ERRCODE_BOOKING_UNPROCESSABLE,
		NULL, "the retention is not between 30 days and 100 years",
		"slots that ended longer ago are deleted, with their appointments and events.",
		"Choose another retention, without negative parts, or leave it out to keep everything.")
REFUSAL(CONSUMER_NAME_LENGTH, "consumer_name_has_1_to_63_characters", ERRCODE_BOOKING_UNPROCESSABLE,
		"event_consumers", "the consumer's name does not have 1 to 63 characters",
		"each consumer of events has a name, by which its position is kept.",
		"Choose a short name, such as 'mail'.")
REFUSAL(
	EVENTS_WERE_READ, "events_were_read", ERRCODE_BOOKING_UNPROCESSABLE, "event_consumers",
	"the consumer has not read so far",
	"only what booking.read_events() has returned to it can be done.",
	"Pass the id of the last event that booking.read_events() returned, or leave all out so far with booking.skip_events().")
