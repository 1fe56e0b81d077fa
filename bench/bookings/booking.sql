SELECT * FROM booking.book_slot(:slot, :patient);
