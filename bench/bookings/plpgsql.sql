SELECT * FROM rival.book_slot(:slot, :patient);
