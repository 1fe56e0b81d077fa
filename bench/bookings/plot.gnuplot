# Bookings a second by the number of clients, medians with the least and the greatest of the
# rounds. data: lines of "SETTING.CONTENDER CLIENTS MEDIAN LEAST GREATEST".
set terminal svg size 900,470 font 'sans-serif,12' background 'white'
set multiplot layout 1,2
set logscale x 2
set xtics (1, 4, 16, 64)
set xrange [0.8:80]
set yrange [0:*]
set xlabel 'clients'
set ylabel 'bookings a second'
set grid ytics lc rgb '#dddddd'
set key bmargin center vertical maxrows 3 reverse Left samplen 1.5 font ",10"
contenders = 'bare_writes booking plpgsql careful_application web_application'
titles = '"bare writes" booking PL/pgSQL "careful application" "web application"'
colours = '#999999 #d62728 #1f77b4 #2ca02c #9467bd'
do for [setting in 'off on'] {
	set title 'synchronous_commit '.setting noenhanced
	plot for [i=1:5] sprintf("< grep '^%s\\.%s ' %s", setting, word(contenders, i), data) \
		using 2:3:4:5 with yerrorlines lw 2 pt 7 ps 0.5 lc rgb word(colours, i) title word(titles, i)
}
